import { account, announce, api, element, failure, memory, name, time } from "/pages/page.js";

const me = await account();
const list = document.getElementById("devices");
const endOthers = document.getElementById("end-others");

function card(session) {
  const client = session.client ? [session.client] : ["未知设备", "Unknown device"];
  const button = element("button", { type: "button", className: "second", say: ["退出登录", "Sign out"] });
  const [zh, en = zh] = client;
  name(button, `退出登录：${zh}，${session.address ?? ""}`, `Sign out: ${en}, ${session.address ?? ""}`);
  button.addEventListener("click", () => end(session, button));
  const heading = element("h2", {}, element("span", { say: client }));
  if (session.is_current) heading.append(" ", element("span", { className: "pill", say: ["此设备", "This device"] }));
  const facts = [
    [["地址", "Address"], [session.address ?? "–"]],
    [["登录时间", "Signed in"], time(session.created_at, me.timezone)],
    [["最近使用", "Last used"], time(session.used_at, me.timezone)],
    [["有效期至", "Ends by itself"], time(session.expires_at, me.timezone)],
    [["接口", "Contract"], [session.contract]],
  ];
  return element("li", { className: "card device" }, element("div", {}, heading, element("dl", {},
    ...facts.map(([term, value]) => element("div", {}, element("dt", { say: term }), element("dd", { say: value }))))),
    button);
}

async function load() {
  const { body } = await api.send("GET", "/api/account/sessions/");
  list.replaceChildren(...body.map(card));
  endOthers.hidden = body.length < 2;
}

async function end(session, button) {
  button.disabled = true;
  try {
    await api.send("DELETE", `/api/account/sessions/${session.id}/`);
    if (session.is_current) {
      memory.set("role", null);
      return location.assign("/");
    }
    await load();
    announce("该设备已退出登录。", "The device is signed out.", false);
  } catch (error) {
    button.disabled = false;
    if (error.status === 404) await load();    // it had ended by itself
    announce(...failure(error));
  }
  document.getElementById("main").focus();    // the button that had it is gone
}

endOthers.addEventListener("click", async () => {
  endOthers.disabled = true;
  try {
    await api.send("DELETE", "/api/account/sessions/");
    await load();
    announce("所有其他设备已退出登录。", "All other devices are signed out.", false);
    document.getElementById("main").focus();
  } catch (error) {
    announce(...failure(error));
  } finally {
    endOthers.disabled = false;
  }
});

load().catch((error) => announce(...failure(error)));
