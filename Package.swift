// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A target in Sources/ that depends only on what stands below it.
func target(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
    name: "homeroom",
    targets: [
        // Borders to C: a module map, and a shim only for what Swift cannot call.
        .systemLibrary(name: "CArgon2", providers: [.apt(["libargon2-dev"])]),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CFastCGI", providers: [.apt(["libfcgi-dev"])]),
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        // Its own pkg-config file asks for -pthread, which SwiftPM refuses with a warning; glib's names the headers too.
        .systemLibrary(name: "CVips", pkgConfig: "gobject-2.0", providers: [.apt(["libvips-dev"])]),

        target("System", ["CLinux"]),
        target("JSON"),
        target("FastCGI", ["CFastCGI", "System", "CLinux"]),
        target("HTTP", ["JSON"]),
        target("Database", ["CMariaDB", "System", "CLinux"], resources: [.embedInCode("sql")]),
        target("Secrets", ["CArgon2", "CCrypto"]),
        target("Pictures", ["CVips", "System", "CLinux"]),
        target("Mail", ["CCurl", "CIDN2", "System"]),
        target("Accounts", ["Database", "Secrets", "Pictures", "Mail", "System", "CLinux"]),
        target("Contracts", ["HTTP", "JSON", "Accounts", "System"]),
        target(
            "Server", ["FastCGI", "HTTP", "JSON", "Contracts", "Accounts", "Database", "Secrets", "System", "CLinux"]),
        target("DevStack", ["System", "CLinux"]),
        .executableTarget(
            name: "homeroom",
            dependencies: [
                "Server", "FastCGI", "Contracts", "Accounts", "Pictures", "Mail", "Database", "Secrets", "JSON",
                "DevStack", "System", "CLinux", "CSQLite",
            ],
            swiftSettings: settings),

        // What the tests share: a MariaDB of their own with fresh databases, the contracts' paths, pictures, requests.
        .target(
            name: "TestSupport",
            dependencies: [
                "DevStack", "Database", "Accounts", "Contracts", "JSON", "Pictures", "Secrets", "System", "CLinux",
            ],
            path: "Tests/Support", swiftSettings: settings),
        // The end-to-end tests are called SystemTests.
        tests("PlatformTests", ["System", "CLinux"]),
        tests("JSONTests", ["JSON"], resources: [.copy("Vectors")]),
        tests("FastCGITests", ["FastCGI", "System", "CLinux", "TestSupport"]),
        tests("HTTPTests", ["HTTP", "JSON", "TestSupport"], resources: [.copy("Corpus")]),
        tests("SecretsTests", ["Secrets"]),
        tests("MailTests", ["Mail", "DevStack"]),
        tests(
            "PicturesTests", ["Pictures", "CVips", "CLinux", "DevStack", "TestSupport", "homeroom"],
            resources: [.copy("Vectors"), .copy("Corpus")]),
        tests("DatabaseTests", ["Database", "TestSupport", "DevStack"]),
        tests(
            "AccountsTests",
            ["Accounts", "Database", "Mail", "Secrets", "TestSupport", "DevStack", "CLinux", "homeroom"]),
        tests("ContractsTests", ["Contracts", "HTTP", "JSON", "Accounts", "Mail", "TestSupport", "homeroom"]),
        // What libFuzzer and the tests try on parsers of strangers' bytes.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "JSON", "HTTP", "FastCGI", "Secrets", "Pictures", "Accounts", "Contracts", "Database", "TestSupport",
                "CLinux",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: settings),
        tests("FuzzTests", ["FuzzTargets"]),
        // The parent of the workers in a process of its own, for the tests to send signals to.
        .executableTarget(
            name: "supervise", dependencies: ["Server", "FastCGI", "Contracts", "System"], path: "Tests/Supervise",
            swiftSettings: settings),
        tests(
            "ServerTests",
            [
                "Server", "FastCGI", "HTTP", "JSON", "Contracts", "Accounts", "System", "CLinux", "DevStack",
                "TestSupport",
                "supervise",
            ]),
        tests(
            "SystemTests",
            ["homeroom", "DevStack", "Database", "JSON", "Secrets", "TestSupport", "Accounts", "System", "CLinux"],
            resources: [.copy("Documents"), .copy("Support")]),
    ]
)

// The fuzzer is only built by `make fuzz`, which links libFuzzer.
if Context.environment["FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzz/Library"),
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets", "CLibFuzzer"], path: "Tests/Fuzz/Fuzzer",
            swiftSettings: settings),
    ]
}
