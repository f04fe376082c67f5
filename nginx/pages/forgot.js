import { announce, api, submit } from "/pages/page.js";

const form = document.getElementById("form");

submit(form, async (values) => {
  await api.send("POST", "/api/v1/auth/forgot-password", values);
  form.hidden = true;
  announce("如果此邮箱属于某个账户，链接已发送。请查收邮件。",
    "If an account has this address, the link is on its way. Look into your mail.", false);
});
