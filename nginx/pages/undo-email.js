// The token stands behind `#`, which browsers send to no server; only the form sends it, once, to the API.
"use strict";

const english = !navigator.language.toLowerCase().startsWith("zh");
const words = english
  ? { done: "Your address is back. Look into your mail for the link to set a new password.",
      noToken: "This link is incomplete. Open the one in your mail.", failed: "That did not work. Try again later." }
  : { done: "邮箱地址已恢复。请查收邮件，打开其中的链接设置新密码。",
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

// What is wrong with the token, in the page's language.
async function reason(response) {
  if (response.status !== 400) return words.failed;
  const problem = await response.json();
  return (problem.errors || []).map((error) => error.message).join(" ") || words.failed;
}

if (!token) {
  form.hidden = true;
  say(words.noToken, true);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch("/api/account/email/undo/", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": english ? "en" : "zh" },
      body: JSON.stringify({ token }),
    });
    if (response.ok) {
      form.hidden = true;
      history.replaceState(null, "", location.pathname);
      say(words.done, false);
    } else {
      if (response.status === 400) form.hidden = true;
      say(await reason(response), true);
    }
  } catch {
    say(words.failed, true);
  } finally {
    button.disabled = false;
  }
});
