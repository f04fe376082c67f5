import CArgon2

/// A password could be neither confirmed nor refused: the computation itself failed.
package enum HashingFailure: Error, Equatable, CustomStringConvertible {
    /// The parameters for a new hash are not `isInBounds`.
    case outOfBounds(HashParameters)
    /// A code of `Argon2_ErrorCodes`; −22 when there was not enough memory.
    case argon2(Int32)
    /// An errno of `crypt_rn`.
    case bcrypt(Int32)
    case pbkdf2
    case scrypt

    /// For the log: the library, its code and what to look at.
    package var description: String {
        switch self {
        case .outOfBounds(let parameters):
            "argon2: \(parameters.costs) is out of bounds: m from 8 times p to \(HashParameters.maxMemoryKiB) KiB, "
                + "t and p from 1, m times t up to \(HashParameters.maxWork)"
        case .argon2(let code): "argon2: \(String(cString: argon2_error_message(code))) (\(code))"
        case .bcrypt(let errno): "bcrypt: crypt_rn failed with errno \(errno)"
        case .pbkdf2: "pbkdf2: PKCS5_PBKDF2_HMAC failed, is there memory left?"
        case .scrypt: "scrypt: EVP_PBE_scrypt failed, is there memory left?"
        }
    }
}
