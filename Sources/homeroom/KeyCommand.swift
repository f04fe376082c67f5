import Accounts
import Contracts
import Foundation
import Glibc
import JSON
import Secrets
import System

/// `homeroom key`: shows which keys sign and verify tokens. `homeroom key rotate` changes the one that signs.
enum KeyCommand {
    /// Minutes from the change until the new key signs, unless told otherwise: in them the service is reloaded.
    private static let usualDelay = 5
    private static let longestDelay = 7 * 24 * 60

    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        if arguments.isEmpty {
            try show(configuration.tokenKeys())
            return 0
        }
        let call = try arguments.next("a key call")
        guard call == "rotate" else { throw .usage("unknown call `key \(call)`") }
        let isEmergency = arguments.flag("now")
        let minutes = try arguments.option("in")
        guard !isEmergency || minutes == nil else { throw .usage("--now and --in exclude each other") }
        let delay = minutes.map { Int($0) ?? -1 } ?? usualDelay
        guard 0...longestDelay ~= delay else {
            throw .usage("--in: `\(minutes ?? "")` is no number of minutes from 0 to \(longestDelay)")
        }
        try arguments.refuseRest()
        guard let path = configuration.tokenKeyFile else {
            throw .refused(
                "HOMEROOM_TOKEN_KEY: stands in the settings themselves. Move it into a file of its own, "
                    + "and name that in HOMEROOM_TOKEN_KEY_FILE")
        }
        // Before anything is changed: a file that cannot be read as keys is not written over.
        _ = try configuration.signer()
        try rotate(path, delay: isEmergency ? nil : Int64(delay) * 60, configuration)
        return 0
    }

    /// - Parameter delay: seconds until the new key signs; nil: at once, and the others are dropped.
    private static func rotate(
        _ path: String, delay: Int64?, _ configuration: Configuration
    ) throws(CommandError) {
        let now = Instant(seconds: CompositionRoot.now().seconds)
        // The longest that a token can live; clocks of several machines may differ.
        let life = min(Router.longestTokenLife, configuration.accounts.longestSession) + Instant.skew
        let keys = try LockedFile(path).rewrite { text throws(CommandError) in
            var file = try TokenKeyFile(text)
            let key = hex(RandomSource.system.bytes(32))
            guard let delay else {
                file.replace(with: key, from: now)
                return file
            }
            if let pending = file.pending(at: now), let from = pending.from {
                throw .refused(
                    "\(path): its newest key signs from \(from.withSeconds) on; nobody has a token of it yet. "
                        + "Rotate after that time")
            }
            file.rotate(to: key, from: now + delay, life: life, now: now)
            guard file.lines.count <= TokenKeyFile.maxKeys else {
                throw .refused(
                    "\(path): \(TokenKeyFile.maxKeys) keys are still needed. "
                        + "Wait until the first of them is over, see: homeroom key")
            }
            return file
        }
        show(try keys.keys)
        CompositionRoot.log.write(
            "token key rotated", .operatorHere, [.init(name: "key", value: .string(try keys.keys[0].id))])
        Homeroom.complain(
            delay == nil
                ? "Reload the service on every machine now: systemctl reload homeroom. All who hold tokens must sign in again."
                : "Bring the file to every machine and reload the service there before the new key signs: "
                    + "systemctl reload homeroom")
        if delay == nil, configuration.hasPreviousTokenKey {
            Homeroom.complain("HOMEROOM_TOKEN_KEY_PREVIOUS is still accepted: take it out of the settings.")
        }
    }

    /// `{"id":"3f9a1c2e","state":"signs","from":"…","until":null}`, a line for each.
    private static func show(_ keys: [TokenKey]) {
        let now = CompositionRoot.now().seconds
        let signing = keys.first { $0.signsFrom <= now && $0.isAccepted(at: now) }?.id
        for key in keys {
            let state =
                key.id == signing
                ? "signs" : !key.isAccepted(at: now) ? "over" : key.signsFrom > now ? "waits" : "accepted"
            let object: JSON = [
                "id": .string(key.id), "state": .string(state),
                "from": key.signsFrom == 0 ? .null : .string(Instant(seconds: key.signsFrom).withSeconds),
                "until": key.acceptedUntil.map { .string(Instant(seconds: $0).withSeconds) } ?? .null,
            ]
            print(String(decoding: object.bytes, as: UTF8.self))
        }
    }
}
