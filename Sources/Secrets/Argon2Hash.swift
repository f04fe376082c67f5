import CArgon2

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, the PHC string format.
struct Argon2Hash: Sendable {
    /// What libargon2 and the PHC string format want at least.
    private static let leastSaltBytes = 8
    private static let leastTagBytes = 12
    static let saltBytes = 16
    static let tagBytes = 32
    private static let currentVersion = ARGON2_VERSION_13.rawValue

    let parameters: HashParameters
    let version: UInt32
    let salt: [UInt8]
    let tag: [UInt8]

    /// The parts between the dollars, from the variant on; nil when they are not such a hash.
    init?(_ parts: [Substring]) throws(CostExceeded) {
        guard let variant = parts.first.flatMap({ HashParameters.Variant(rawValue: String($0)) }) else { return nil }
        var parts = parts.dropFirst()
        // Hashes from before version 1.3 of the algorithm carry no version, or 16.
        version = parts.first == "v=19" ? ARGON2_VERSION_13.rawValue : ARGON2_VERSION_10.rawValue
        if parts.first == "v=19" || parts.first == "v=16" {
            parts.removeFirst()
        }
        guard parts.count == 3, let costs = parts.popFirst(),
            let parameters = Self.parameters(variant, costs),
            let salt = parts.popFirst().flatMap({ Base64.standard.bytes($0) }), salt.count >= Self.leastSaltBytes,
            let tag = parts.popFirst().flatMap({ Base64.standard.bytes($0) }), tag.count >= Self.leastTagBytes
        else { return nil }
        try CostExceeded.check(parameters.memoryKiB, "argon2: m, KiB of memory", HashParameters.maxMemoryKiB)
        // Each is below 10⁹, so that they can be multiplied.
        try CostExceeded.check(
            parameters.memoryKiB * parameters.iterations, "argon2: m times t", HashParameters.maxWork)
        guard parameters.isInBounds else { return nil }
        self.parameters = parameters
        self.salt = salt
        self.tag = tag
    }

    /// Whether this is the hash of `password`.
    func matches(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        let found = try Self.tag(of: password, parameters, version: version, salt: salt, count: tag.count)
        return equal(found, tag)
    }

    /// Whether `text` would have made it, with these parameters.
    func isMade(with wanted: HashParameters) -> Bool {
        parameters == wanted && version == Self.currentVersion
            && salt.count == Self.saltBytes && tag.count == Self.tagBytes
    }

    /// The PHC string for a new password.
    static func text(
        of password: Span<UInt8>, _ parameters: HashParameters, salt: [UInt8]
    ) throws(HashingFailure) -> String {
        guard parameters.isInBounds else { throw .outOfBounds(parameters) }
        let tag = try tag(of: password, parameters, version: currentVersion, salt: salt, count: tagBytes)
        let head = "$\(parameters.variant.rawValue)$v=\(currentVersion)$\(parameters.costs)"
        return "\(head)$\(Base64.standard.text(salt))$\(Base64.standard.text(tag))"
    }

    /// Reads `m=19456,t=2,p=1`.
    private static func parameters(_ variant: HashParameters.Variant, _ costs: Substring) -> HashParameters? {
        let costs = costs.split(separator: ",", omittingEmptySubsequences: false)
        guard costs.count == 3, let memory = decimal(costs[0], after: "m="),
            let iterations = decimal(costs[1], after: "t="), let parallelism = decimal(costs[2], after: "p=")
        else { return nil }
        return HashParameters(
            variant: variant, memoryKiB: memory, iterations: iterations, parallelism: parallelism)
    }

    private static func tag(
        of password: Span<UInt8>, _ parameters: HashParameters, version: UInt32, salt: [UInt8], count: Int
    ) throws(HashingFailure) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: count)
        var salt = salt
        let code = password.withUnsafeBufferPointer { password in
            salt.withUnsafeMutableBufferPointer { salt in
                tag.withUnsafeMutableBufferPointer { tag in
                    var context = argon2_context()
                    context.out = tag.baseAddress
                    context.outlen = UInt32(clamping: tag.count)
                    // Only read: flags do not ask for it to be cleared.
                    context.pwd = UnsafeMutablePointer(mutating: password.baseAddress)
                    context.pwdlen = UInt32(clamping: password.count)
                    context.salt = salt.baseAddress
                    context.saltlen = UInt32(clamping: salt.count)
                    context.t_cost = UInt32(clamping: parameters.iterations)
                    context.m_cost = UInt32(clamping: parameters.memoryKiB)
                    context.lanes = UInt32(clamping: parameters.parallelism)
                    // The heavy lane already has a thread for each core.
                    context.threads = 1
                    context.version = version
                    context.allocate_cbk = { HashMemory.take($0, bytes: $1) }
                    context.free_cbk = { HashMemory.give($0, bytes: $1) }
                    return argon2_ctx(&context, parameters.variant.type)
                }
            }
        }
        guard code == ARGON2_OK.rawValue else { throw .argon2(code) }
        return tag
    }
}

extension HashParameters.Variant {
    fileprivate var type: argon2_type {
        switch self {
        case .argon2id: Argon2_id
        case .argon2i: Argon2_i
        case .argon2d: Argon2_d
        }
    }
}
