import { account, announce, api, destination, refuse, submit } from "/pages/page.js";
import { watch } from "/pages/strength.js";

const form = document.getElementById("form");
const me = await account();
form.elements.username.value = me.username;    // so that password managers know whose password it is
if (me.must_change_password) {
  announce("您现在的密码由他人设定。请先设置自己的密码，然后继续。",
    "Your present password was chosen by somebody else. Choose your own one to go on.", false);
}

submit(form, async ({ current_password, new_password, repeated }) => {
  if (new_password !== repeated) {
    throw refuse([{ field: "repeated", message: { zh: "两次输入的密码不一致。", en: "The two passwords differ." } }]);
  }
  await api.send("POST", "/api/account/password/", { current_password, new_password });
  if (me.must_change_password) return location.assign(destination());
  form.reset();
  form.elements.username.value = me.username;
  form.dispatchEvent(new Event("change"));
  announce("密码已修改，其他设备已退出登录。", "The password is changed, and all other devices are signed out.", false);
});
watch(form.elements.new_password, () => [me.username, me.email]);
