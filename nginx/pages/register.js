import { api, keepChoices, memory, root, submit } from "/pages/page.js";
import { watch } from "/pages/strength.js";

const form = document.getElementById("form");
const { username, email, password } = form.elements;

submit(form, async (values) => {
  await api.send("POST", "/api/user/register/", values);
  // Contract 3 signs nobody in by registering.
  const { body } = await api.send("POST", "/api/user/login/", { ...values, role: "student" });
  memory.set("role", body.user.role);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    await keepChoices({ language: root.lang, theme: root.dataset.theme, timezone: timeZone });
  } catch {
    // The account is there without them, and its owner can choose them on the profile page.
  }
  location.assign("/");
});
watch(password, () => [username.value, email.value]);
