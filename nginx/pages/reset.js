import { api, memory, refuse, submit } from "/pages/page.js";
import { end, token } from "/pages/link.js";
import { watch } from "/pages/strength.js";

const form = document.getElementById("form");

submit(form, async ({ new_password, repeated }) => {
  if (new_password !== repeated) {
    throw refuse([{ field: "repeated", message: { zh: "两次输入的密码不一致。", en: "The two passwords differ." } }]);
  }
  await api.send("POST", "/api/v1/auth/reset-password", { token, new_password });
  memory.set("role", null);    // every session is over
  end("密码已重置，现在可以登录了。", "Your password is changed. You can sign in now.");
});
watch(form.elements.new_password, () => []);
