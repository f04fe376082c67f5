// The pages whose form has nothing but a button: an address is proven, or given back.
import { api, memory, submit } from "/pages/page.js";
import { end, token } from "/pages/link.js";

const actions = {
  "/verify-email": {
    path: "/api/account/email/verify/",
    done: ["邮箱地址已验证。", "Your email address is confirmed."],
  },
  "/undo-email": {
    path: "/api/account/email/undo/",
    done: ["邮箱地址已恢复。请查收邮件，打开其中的链接设置新密码。",
      "Your address is back. Look into your mail for the link to set a new password."],
    endsSessions: true,
  },
};
const { path, done, endsSessions } = actions[location.pathname];

submit(document.getElementById("form"), async () => {
  try {
    await api.send("POST", path, { token });
    if (endsSessions) memory.set("role", null);
    end(...done);
  } catch (error) {
    if (!error.fields?.token) throw error;
    end(...[error.fields.token.join(" "), error.fields.token.join(" ")], true);
  }
});
