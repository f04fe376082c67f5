import Accounts
import Pictures

extension FuzzTarget {
    /// A username or an email.
    static let names = FuzzTarget(name: "names") { bytes throws(Broken) in
        let name = text(bytes)
        if let username = try? Username(name, length: 1...Username.longest) {
            let key = username.canonical.key
            let again = try? Username(key, length: 1...Username.longest)
            try require(again?.canonical.key.utf8.elementsEqual(key.utf8) == true, "the form of a form is another")
        }
        if let email = try? EmailAddress(name) {
            let key = email.canonical.key
            let again = try? EmailAddress(key)
            try require(again?.canonical.key.utf8.elementsEqual(key.utf8) == true, "the form of a form is another")
            let signedIn = CanonicalName(name).key
            try require(signedIn.utf8.elementsEqual(key.utf8), "it signs nobody in")
            let base = Username.base(of: email)
            try require((try? Username(base, length: 1...Username.longest)) != nil, "it gives no username")
        }
    }

    /// The first bytes of a file.
    static let picture = FuzzTarget(name: "picture") { bytes throws(Broken) in
        let format = PictureFormat(content: bytes)

        let start = bytes.prefix(PictureFormat.signatureLength)
        try require(PictureFormat(content: start) == format, "more than the signature decides")
    }
}
