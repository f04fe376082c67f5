import Contracts
import FastCGI
import Glibc
import HTTP
import System

/// Takes requests in: the one thread that waits for connections. It never waits for anything else, so whatever hangs, the
/// next request is taken in and refused if need be.
final class AcceptLoop: @unchecked Sendable {
    private let handler: RequestHandler
    private let poller: Poller
    private let executors: Executors
    private let spool: Spool
    /// Connections on which a part of a request had come when the worker was stopped.
    private var left: [Int32] = []

    init(_ handler: RequestHandler, poller: Poller, executors: Executors, spool: Spool) {
        self.handler = handler
        self.poller = poller
        self.executors = executors
        self.spool = spool
    }

    /// Returns once the poller is stopped.
    func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestFraming.maxAwaited, alignment: 16)
        defer { buffer.deallocate() }
        var ready: [Poller.Ready] = []
        while poller.next(into: &ready) {
            for connection in ready { take(connection, buffer) }
        }
    }

    /// Takes in what is on its way once the poller is stopped. All of it together has `RequestHandler.grace` to come.
    ///
    /// - Parameter connections: what `Poller.stop` gave back.
    func finish(_ connections: [Int32]) {
        let end = ContinuousClock.now + RequestHandler.grace
        for descriptor in connections + left {
            switch RequestFraming.awaited(on: descriptor, until: end) {
            case .nothing, .partial, .closed: poller.drop(descriptor)
            case .whole: handler.request(descriptor).map { executors.take($0, from: handler) }
            case .long: if !spool.submit(descriptor) { handler.refuse(descriptor) }
            }
        }
    }

    private func take(_ connection: Poller.Ready, _ buffer: UnsafeMutableRawBufferPointer) {
        let descriptor = connection.descriptor
        switch RequestFraming(on: descriptor, buffer: buffer) {
        case .nothing: poller.park(descriptor).map { left.append($0) }
        case .partial where !connection.hasEnded: poller.awaitRest(descriptor).map { left.append($0) }
        case .closed: poller.drop(descriptor)
        case .whole, .partial:
            poller.restHasCome(descriptor)
            handler.request(descriptor).map { executors.take($0, from: handler) }
        case .long:
            poller.restHasCome(descriptor)
            if !spool.submit(descriptor) { handler.refuse(descriptor) }
        }
    }
}

/// Where requests are answered.
struct Executors {
    let reading, writing, light, passwords, pictures, lists, health: BoundedExecutor<IncomingRequest>

    /// Hands a request to the executor of its route, or answers it at once.
    func take(_ request: IncomingRequest, from handler: RequestHandler) {
        let executor: BoundedExecutor<IncomingRequest>
        switch request.context.executor {
        case nil, .immediate: return handler.answer(request)
        case .passwords: executor = passwords
        case .lists: executor = lists
        case .health: executor = health
        case .light where request.context.destination.route?.access != .signedIn: executor = light
        case .writing:
            guard handler.authenticate(request) else { return }
            executor = writing
        // A picture too: only who is signed in gets a place among those that wait.
        case .reading, .light, .pictures:
            guard handler.authenticate(request) else { return }
            executor = reading
        }
        if !executor.submit(request, since: request.begin) { handler.refuse(request) }
    }
}
