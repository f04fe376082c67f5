// Contracts 3 and 5 speak Chinese alone. These are their sentences that people may meet on a page, in English.
const sentences = [
  ["该字段是必填项。", "This is needed."],
  ["该字段不能为空。", "This is needed."],
  [/^该字段不能少于(\d+)个字符。$/, "At least $1 characters."],
  [/^该字段不能超过(\d+)个字符。$/, "At most $1 characters."],
  [/^该字段不能超过(\d+)字节。$/, "At most $1 bytes."],
  ["该字段不能包含空字符。", "This holds a character that is not allowed."],
  ["该字段不能包含控制字符。", "This holds a character that is not allowed."],
  ["请输入有效的邮箱地址。", "This is not a valid email address."],
  ["用户名只能包含字母、数字和 @/./+/-/_ 字符。", "Only letters, digits and @ . + - _ are allowed."],
  ["包含 @ 的用户名必须是该账户自己的邮箱。", "A username with @ must be the account's own email address."],
  ["该用户名已被使用", "Somebody has this username already."],
  ["该邮箱已被使用", "This address belongs to another account."],
  [/^密码太短。密码长度必须至少为(\d+)个字符。$/, "At least $1 characters."],
  ["密码长度必须为8-128个字符", "A password has 8 to 128 characters."],
  ["密码太常见。", "This password is too common."],
  ["密码不能全为数字。", "A password cannot be digits alone."],
  ["密码与用户名太相似", "This is too much like the username."],
  ["密码与邮箱太相似", "This is too much like the email address."],
  ["两次输入的密码不一致", "The two passwords differ."],
  ["新密码不能与当前密码相同", "The new password must differ from the present one."],
  ["请先修改密码", "Change your password first."],
  ["用户名或密码错误", "Wrong username or password."],
  ["无效的用户角色。", "There is no such role."],
  ["所选角色与用户角色不匹配", "This account has another role."],
  ["重置令牌无效或已过期", "This link was used already or is too old. Ask for a new one."],
  ["用户未登录或认证失败", "Sign in first."],
  ["没有权限执行此操作。", "You do not have the right to do this."],
  ["跨站请求被拒绝。", "This page may not do that here."],
];

/** A sentence of contracts 3 and 5 in English; any other as it is. */
export function english(text) {
  const trimmed = text.trim();
  for (const [chinese, translation] of sentences) {
    if (chinese === trimmed) return translation;
    if (chinese instanceof RegExp && chinese.test(trimmed)) return trimmed.replace(chinese, translation);
  }
  return text;
}
