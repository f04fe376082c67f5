/// The rules a field can break. Lengths are in characters unless they say otherwise.
package enum Rule: Sendable, Equatable {
    case required, null, blank, notText, notAFlag
    case tooShort(Int)
    case tooLong(Int)
    case tooManyBytes(Int)
    /// Not an email address, or a username with characters that none may have.
    case malformed
    /// A username with `@` that is not the account's own email.
    case foreignAddress
    case nulCharacter
    /// Another control character, or one that turns the direction of the text.
    case controlCharacter
    case taken
    case common, numeric
    case similar(to: Field)
    case mismatch, incorrect
    /// The new password is the one that has to be changed.
    case unchanged
    /// A mailed link's token: too old, or used or never one.
    case expired, unknown
    case unknownRole, otherRole
    /// None of the words that the field may have.
    case notAChoice
    case notANumber(ClosedRange<Int>)
    case notAFile, emptyFile, notAPicture
    case fileTooLarge(bytes: Int)
    case tooManyPixels
    case tooLongSide(Int)
}
