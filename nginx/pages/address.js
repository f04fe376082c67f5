// The link that proves an email address.
import { announce, api, failure } from "/pages/page.js";

/** Lets a button ask for the link. */
export function sendLink(button) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await api.send("POST", "/api/account/email/verification/");
      announce("链接已发送，请查收邮件。", "The link is on its way. Look into your mail.", false);
    } catch (error) {
      announce(...failure(error));
    } finally {
      button.disabled = false;
    }
  });
}
