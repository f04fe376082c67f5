import { account, announce, api, clear, element, failure, portrait, roleWords, say, submit, time } from "/pages/page.js";
import { next } from "/pages/api.js";

const me = await account();
const form = document.getElementById("form");
const list = document.getElementById("people");
const count = document.getElementById("count");
const [back, on] = [document.getElementById("back"), document.getElementById("on")];

// The paths of the pages up to the one that is shown; `following` is the one that `Link` names.
let path = [];
let following = null;
// Answers may come in another order than they were asked for: only the last question's counts.
let asked = 0;

function row(person) {
  const name = person.full_name ?? person.username;
  return element("li", { className: "card person" },
    portrait(person.avatar_64, name, 48),
    element("div", { className: "who" }, element("strong", { textContent: name }),
      element("span", { className: "faint", textContent: person.full_name ? person.username : "" })),
    element("span", { className: "email", textContent: person.email }),
    element("span", { className: "pill", say: roleWords(person.role) }),
    element("span", { className: "faint last", say: lastSignIn(person) }));
}

function lastSignIn(person) {
  if (!person.last_login_at) return ["从未登录", "Never signed in"];
  const [zh, en] = time(person.last_login_at, me.timezone, { dateStyle: "medium" });
  return [`上次登录 ${zh}`, `Signed in ${en}`];
}

async function load(pages) {
  asked += 1;
  const question = asked;
  const { body, headers } = await api.send("GET", pages.at(-1));
  if (question !== asked) return;
  path = pages;
  following = next(headers);
  list.replaceChildren(...body.map(row));
  // A button that is switched off loses the focus: the other one takes it, for whoever has no pointer.
  const pressed = document.activeElement;
  back.disabled = path.length < 2;
  on.disabled = !following;
  back.parentElement.hidden = back.disabled && on.disabled;
  if (pressed === back && back.disabled) on.focus();
  if (pressed === on && on.disabled) back.focus();
  count.classList.toggle("none", body.length === 0);
  if (body.length === 0) say(count, "没有找到。", "Nobody found.");
  else say(count, `第${path.length}页，${body.length}人`, `Page ${path.length}, ${body.length} ${body.length === 1 ? "person" : "people"}`);
}

async function search({ q, role }) {
  const words = Object.entries({ q: q.trim(), role, limit: "20" }).filter(([, value]) => value);
  await load([`/api/account/people/?${new URLSearchParams(words)}`]);
}

submit(form, search);

// While somebody types; of one letter alone nothing is found, and only the button asks. A question that is on its way
// holds up none that comes after it.
async function look() {
  const values = Object.fromEntries(new FormData(form));
  if ([...values.q.trim()].length === 1) return;
  clear(form);
  try {
    await search(values);
  } catch (error) {
    announce(...failure(error));
  }
}
form.elements.q.addEventListener("input", look);
form.elements.role.addEventListener("change", look);

async function turn(pages) {
  try {
    await load(pages);
    count.scrollIntoView({ block: "nearest" });
  } catch (error) {
    announce(...failure(error));
  }
}
back.addEventListener("click", () => turn(path.slice(0, -1)));
on.addEventListener("click", () => turn([...path, following]));

turn([`/api/account/people/?limit=20`]);
