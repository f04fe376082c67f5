import Database

/// Which Homeroom this is.
enum Version {
    /// Counts the releases with one schema, from 0.
    private static let release = 0

    /// The schema that it needs, and the release: `13.0`. The first entry of debian/changelog says the same.
    static let text = "\(Migration.newest).\(release)"
}
