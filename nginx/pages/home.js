// Sign in, or where to go from here.
import { account, announce, api, destination, element, failure, keepChoices, memory, portrait, refuse, roleWords, say,
  seesPeople, submit } from "/pages/page.js";
import { sendLink } from "/pages/address.js";

/** Shows one of the two halves; the page's outcome is the one in it. */
function open(id) {
  const section = document.getElementById(id);
  section.hidden = false;
  section.querySelector(".outcome").id = "outcome";
  return section;
}

async function signIn(values) {
  try {
    const { body } = await api.send("POST", "/api/user/login/", values);
    memory.set("role", body.user.role);
  } catch (error) {
    if (error.status !== 401) throw error;
    throw refuse([{ field: "password", message: { zh: "用户名或密码错误。", en: "Wrong username or password." } }]);
  }
  try {
    await keepChoices();
  } catch (error) {
    failure(error);    // the next page tries again
  }
  location.assign(destination());
}

const tiles = [
  ["/profile", "个人资料", "Profile", "姓名、联系方式、语言和时区", "Name, contact, language and time zone"],
  ["/avatar", "头像", "Picture", "上传并裁剪您的头像", "Send and crop your picture"],
  ["/password", "密码", "Password", "修改密码", "Choose a new password"],
  ["/devices", "设备", "Devices", "查看并退出已登录的设备", "See where you are signed in, and end it"],
  ["/people", "人员", "People", "查找学生、导师和老师", "Find students, mentors and teachers"],
];

function overview(me) {
  open("overview");
  const name = me.full_name ?? me.username;
  document.getElementById("portrait").replaceChildren(portrait(me.avatar?.url_256, name, 96));
  document.getElementById("name").textContent = name;
  document.getElementById("email").textContent = me.email;
  say(document.getElementById("role"), ...roleWords(me.role));
  document.getElementById("unverified").hidden = me.is_email_verified;
  document.getElementById("tiles").replaceChildren(...tiles
    .filter(([path]) => path !== "/people" || seesPeople(me.role))
    .map(([path, zh, en, ...more]) => element("li", {}, element("a", { href: path, className: "card" },
      element("strong", { say: [zh, en] }), element("span", { say: more })))));
  sendLink(document.getElementById("send-link"));
}

if (memory.get("role")) {
  overview(await account());
} else {
  document.getElementById("main").classList.add("narrow");
  submit(open("sign-in").querySelector("form"), signIn);
  if (new URLSearchParams(location.search).has("next")) {
    announce("请先登录。", "Sign in first.", false);
  }
}
