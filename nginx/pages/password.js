import { account, announce, api, refuse, submit } from "/pages/page.js";
import { watch } from "/pages/strength.js";

const form = document.getElementById("form");
const me = await account();
form.elements.username.value = me.username;    // so that password managers know whose password it is

submit(form, async ({ current_password, new_password, repeated }) => {
  if (new_password !== repeated) {
    throw refuse([{ field: "repeated", message: { zh: "两次输入的密码不一致。", en: "The two passwords differ." } }]);
  }
  await api.send("POST", "/api/account/password/", { current_password, new_password });
  form.reset();
  form.elements.username.value = me.username;
  form.dispatchEvent(new Event("change"));
  announce("密码已修改，其他设备已退出登录。", "The password is changed, and all other devices are signed out.", false);
});
watch(form.elements.new_password, () => [me.username, me.email]);
