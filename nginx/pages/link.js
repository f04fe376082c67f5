// The token of a mailed link. It stands behind `#`, which browsers send to no server; only the form sends it, once.
import { announce } from "/pages/page.js";

const form = document.getElementById("form");

/** The token; null, and no form to fill in, where the link has none. */
export const token = new URLSearchParams(location.hash.slice(1)).get("token");

if (!token) end("链接不完整，请打开邮件中的链接。", "This link is incomplete. Open the one in your mail.", true);

/** Takes the form away: the token is used, or good for nothing. */
export function end(zh, en, isWrong = false) {
  form.hidden = true;
  if (!isWrong) history.replaceState(null, "", location.pathname);
  announce(zh, en, isWrong);
}
