/// What a `User-Agent` says of a program and its system, in words for people: `Firefox on Windows`. (RFC 9110 §10.1.5)
///
/// A short list of what schools use; whatever else a client says of itself is not known, and none of it is shown.
enum ClientName {
    /// Bytes that are looked at.
    private static let maxLength = 512

    /// nil where neither the program nor the system is known.
    static func of(_ userAgent: String) -> String? {
        let text = Array(userAgent.utf8.prefix(maxLength))
        func name(in list: [(mark: String, name: String)]) -> String? {
            list.first { contains(text, Array($0.mark.utf8)) }?.name
        }
        switch (name(in: programs), name(in: systems)) {
        case (let program?, let system?): return "\(program) on \(system)"
        case (let program?, nil): return program
        case (nil, let system): return system
        }
    }

    /// Those that name others to be taken for them stand before these.
    private static let programs = [
        ("MicroMessenger/", "WeChat"), ("DingTalk/", "DingTalk"), ("Lark/", "Lark"), ("MQQBrowser/", "QQ Browser"),
        ("QQBrowser/", "QQ Browser"), ("UCBrowser/", "UC Browser"), ("HuaweiBrowser/", "Huawei Browser"),
        ("MiuiBrowser/", "Mi Browser"), ("SamsungBrowser/", "Samsung Internet"), ("Edg/", "Edge"), ("EdgA/", "Edge"),
        ("EdgiOS/", "Edge"), ("OPR/", "Opera"), ("Vivaldi/", "Vivaldi"), ("YaBrowser/", "Yandex Browser"),
        ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("PostmanRuntime/", "Postman"), ("python-requests/", "Requests"),
        ("python-httpx/", "HTTPX"), ("axios/", "Axios"), ("okhttp/", "OkHttp"), ("Dart/", "Dart"), ("curl/", "curl"),
        ("Wget/", "Wget"),
    ].map { (mark: $0.0, name: $0.1) }

    private static let systems = [
        ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Windows NT", "Windows"), ("iPhone", "iPhone"),
        ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
    ].map { (mark: $0.0, name: $0.1) }

    private static func contains(_ text: [UInt8], _ mark: [UInt8]) -> Bool {
        guard text.count >= mark.count else { return false }
        return (0...text.count - mark.count).contains { text[$0..<$0 + mark.count].elementsEqual(mark) }
    }
}
