/// An endpoint of contract 1.
enum Endpoint: String, CaseIterable {
    case register, login, refresh, profile, update, patch, changePassword, info, logout

    static let withBody: [Endpoint] = [.register, .login, .refresh, .update, .patch, .changePassword, .logout]
    static let signedIn: [Endpoint] = [.profile, .update, .patch, .changePassword, .info, .logout]

    var method: String {
        switch self {
        case .register, .login, .refresh, .changePassword, .logout: "POST"
        case .update: "PUT"
        case .patch: "PATCH"
        case .profile, .info: "GET"
        }
    }

    var path: String {
        switch self {
        case .register: "/api/v1/auth/register/"
        case .login: "/api/v1/auth/login/"
        case .refresh: "/api/v1/auth/token/refresh/"
        case .profile: "/api/v1/profile/"
        case .update, .patch: "/api/v1/profile/update/"
        case .changePassword: "/api/v1/password/change/"
        case .info: "/api/v1/info/"
        case .logout: "/api/v1/auth/logout/"
        }
    }

    /// What it puts over field errors.
    var head: String {
        switch self {
        case .register: "注册失败"
        case .login: "登录失败"
        case .refresh: "刷新失败"
        case .update, .patch: "资料更新失败"
        case .changePassword: "密码修改失败"
        case .logout: "登出失败"
        case .profile, .info: ""
        }
    }

    /// Its required fields, in the order of their errors.
    var fields: [String] {
        switch self {
        case .register: ["username", "email", "password", "password_confirm"]
        case .login: ["username", "password"]
        case .refresh: ["refresh"]
        case .changePassword: ["old_password", "new_password", "new_password_confirm"]
        case .profile, .update, .patch, .info, .logout: []
        }
    }
}
