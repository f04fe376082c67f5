import Accounts

/// The texts that contracts 2, 3 and 5 share; each says first what its document words otherwise.
func chineseWords(_ violation: Violation) -> String {
    switch violation.rule {
    case .required: "该字段是必填项。"
    case .null: "该字段不能为空。"
    case .blank: "该字段不能为空。"
    case .notText: "该字段必须是字符串。"
    case .notAFlag: "该字段必须是布尔值。"
    case .tooShort(let min): "该字段不能少于\(min)个字符。"
    case .tooLong(let max): "该字段不能超过\(max)个字符。"
    case .tooManyBytes(let max): "该字段不能超过\(max)字节。"
    case .malformed: violation.field == .email ? "请输入有效的邮箱地址。" : "用户名只能包含字母、数字和 @/./+/-/_ 字符。"
    case .foreignAddress: "包含 @ 的用户名必须是该账户自己的邮箱。"
    case .nulCharacter: "该字段不能包含空字符。"
    case .controlCharacter: "该字段不能包含控制字符。"
    case .taken: violation.field == .username ? "该用户名已被使用" : "该邮箱已被使用"
    case .common: "密码太常见。"
    case .numeric: "密码不能全为数字。"
    case .similar(let field): field == .email ? "密码与邮箱太相似" : "密码与用户名太相似"
    case .mismatch: violation.field == .newConfirmation ? "两次输入的新密码不一致" : "两次输入的密码不一致"
    case .incorrect: "当前密码不正确"
    case .unchanged: "新密码不能与当前密码相同"
    case .expired: "链接已过期，请重新申请。"
    case .unknown: "链接已使用或不完整。"
    case .unknownRole: "无效的用户角色。"
    case .notAChoice: "该值不在可选范围内。"
    case .otherRole: "所选角色与用户角色不匹配"
    case .notANumber(let range): "请输入\(range.lowerBound)到\(range.upperBound)之间的整数。"
    case .notAFile: "提交的数据不是文件。"
    case .emptyFile: "提交的文件为空。"
    case .notAPicture: "请上传有效的图片。"
    case .fileTooLarge(let bytes): "文件不能超过\(bytes >> 20) MiB。"
    case .tooManyPixels: "图片像素总数不能超过5000万。"
    case .tooLongSide(let max): "图片的宽和高不能超过\(max)像素。"
    }
}

/// What contracts 2, 3 and 5 say where no field is at fault.
enum ChineseWords {
    static let malformed = "请求体格式错误。"
    static let unsupportedMediaType = "不支持的媒体类型。"
    static let tooLarge = "请求体过大。"
    static let notFound = "资源不存在。"
    static let locked = "登录失败次数过多，请稍后再试"
    static let unavailable = "服务暂时不可用，请稍后再试。"
    static let forbidden = "没有权限执行此操作。"
    static let passwordChangeRequired = "请先修改密码"
    static let crossOrigin = "跨站请求被拒绝。"
    static let invalidHost = "无效的 Host 请求头。"
    static let notAuthenticated = "用户未登录或认证失败"

    static func methodNotAllowed(_ method: String) -> String { "不支持 \(method) 方法。" }
    static func internalError(_ requestID: String) -> String { "服务器内部错误（请求编号 \(requestID)）。" }
}
