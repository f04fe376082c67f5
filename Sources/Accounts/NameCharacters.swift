extension Sequence<Unicode.Scalar> {
    /// Letters, decimal digits and the `others`; combining marks only after a letter; nothing invisible.
    func isMadeOfLetters(or others: Set<Unicode.Scalar>) -> Bool {
        var isAfterLetter = false
        for scalar in self {
            if scalar.properties.isDefaultIgnorableCodePoint { return false }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
                isAfterLetter = true
            case .nonspacingMark, .spacingMark:
                guard isAfterLetter else { return false }
            case .decimalNumber:
                isAfterLetter = false
            default:
                guard others.contains(scalar) else { return false }
                isAfterLetter = false
            }
        }
        return true
    }
}
