import { account, announce, api, element, roleWords, say, show, submit, time } from "/pages/page.js";
import { sendLink } from "/pages/address.js";

const form = document.getElementById("form");
const fields = ["username", "email", "full_name", "last_name", "first_name", "phone", "bio", "language", "theme", "timezone"];
const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
let me = await account();

/** What differs from the account; a text that was taken out is null. */
function changes() {
  const changed = fields.filter((field) => form.elements[field].value !== (me[field] ?? ""));
  return Object.fromEntries(changed.map((field) => [field, form.elements[field].value || null]));
}

/** A new username or address has to be proven by the password. */
function needsProof() {
  const changed = changes();
  return "username" in changed || "email" in changed;
}

function showProof() {
  document.getElementById("proof").hidden = !needsProof();
}

function fill() {
  form.elements.timezone.replaceChildren(...[...new Set([me.timezone, "UTC", ...zones])].sort()
    .map((zone) => element("option", { value: zone, textContent: zone.replaceAll("_", " ") })));
  for (const field of fields) form.elements[field].value = me[field] ?? "";
  form.elements.current_password.value = "";
  showProof();

  const state = document.getElementById("address-state");
  const [zh, en] = time(me.pending_email_undo_until, me.timezone);
  const undo = me.pending_email_undo_until
    ? [` 此更改在${zh}之前可从原邮箱撤销。`, ` The change can be taken back from the old address until ${en}.`] : ["", ""];
  say(state, (me.is_email_verified ? "邮箱已验证。" : "邮箱尚未验证。") + undo[0],
    (me.is_email_verified ? "The address is confirmed." : "The address has not been confirmed yet.") + undo[1]);
  document.getElementById("send-link").hidden = me.is_email_verified;

  const facts = [
    [["编号", "Number"], [String(me.id)]],
    [["角色", "Role"], roleWords(me.role)],
    [["登录次数", "Times signed in"], [String(me.login_count)]],
    [["上次登录", "Signed in last"], time(me.last_login_at, me.timezone)],
    [["注册时间", "Registered"], time(me.created_at, me.timezone)],
  ];
  document.getElementById("facts").replaceChildren(...facts.map(([term, value]) =>
    element("div", {}, element("dt", { say: term }), element("dd", { say: value }))));
}

fill();
sendLink(document.getElementById("send-link"));
form.addEventListener("input", showProof);
addEventListener("chosen", ({ detail }) => {
  me = { ...me, [detail.key]: detail.value };
  form.elements[detail.key].value = detail.value;
});

submit(form, async (values) => {
  const changed = changes();
  if (Object.keys(changed).length === 0) return announce("没有更改。", "Nothing has changed.", false);
  if (needsProof()) changed.current_password = values.current_password;
  const { body } = await api.send("PATCH", "/api/account/", changed);
  me = body;
  show(me);
  fill();
  announce("已保存。", "Saved.", false);
});
