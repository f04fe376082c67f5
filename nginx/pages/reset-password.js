// The token stands behind `#`, which browsers send to no server; only the form sends it, once, to the API.
"use strict";

const english = !navigator.language.toLowerCase().startsWith("zh");
const words = english
  ? { different: "The two passwords differ.", done: "Your password is changed. You can sign in now.",
      noToken: "This link is incomplete. Open the one in your mail.", failed: "That did not work. Try again later.",
      badPassword: "A password has 8 to 128 characters.",
      badToken: "This link was used already or is too old. Ask for a new one." }
  : { different: "两次输入的密码不一致", done: "密码已重置，现在可以登录了。",
      noToken: "链接不完整，请打开邮件中的链接。", failed: "操作失败，请稍后再试。" };

if (english) {
  document.documentElement.lang = "en";
  document.querySelectorAll("[data-en]").forEach((element) => { element.textContent = element.dataset.en; });
}

const form = document.getElementById("form");
const outcome = document.getElementById("outcome");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

function say(text, isWrong) {
  outcome.textContent = text;
  outcome.className = isWrong ? "wrong" : "";
}

// The API speaks Chinese.
function theirs(answer) {
  return Object.values(answer.errors || {}).flat().join(" ") || answer.detail;
}

function translated(status, answer) {
  if (status !== 400) return "";
  return answer.errors ? words.badPassword : words.badToken;
}

if (!token) {
  form.hidden = true;
  say(words.noToken, true);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = document.getElementById("password").value;
  if (password !== document.getElementById("repeated").value) {
    say(words.different, true);
    return;
  }
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch("/api/v1/auth/reset-password", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, new_password: password }),
    });
    const answer = await response.json();
    if (response.ok) {
      form.hidden = true;
      history.replaceState(null, "", location.pathname);
      say(words.done, false);
    } else {
      say((english ? translated(response.status, answer) : theirs(answer)) || words.failed, true);
    }
  } catch {
    say(words.failed, true);
  } finally {
    button.disabled = false;
  }
});
