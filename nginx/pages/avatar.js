import { account, announce, api, failure, portrait } from "/pages/page.js";
import { Crop } from "/pages/crop.js";

const [form, file, remove, whole] = ["form", "file", "remove", "whole"].map((id) => document.getElementById(id));
const drop = document.getElementById("drop");
const sending = document.getElementById("sending");
const progress = document.getElementById("progress");
const crop = new Crop(document.getElementById("stage"), document.getElementById("zoom"),
  [...document.querySelectorAll(".preview")], document.getElementById("position"));
let chosen = null;
let me = await account();

function present() {
  document.getElementById("present").replaceChildren(portrait(me.avatar?.url_256, me.full_name ?? me.username, 128));
  remove.hidden = !me.avatar;
}

/** Takes a file from wherever it came. */
async function take(picture) {
  if (!picture) return;
  let bitmap;
  try {
    bitmap = await createImageBitmap(picture);
  } catch {
    close();
    return announce("此文件不是可用的图片。请选择 JPEG、PNG 或 GIF 图片。",
      "This file is not a picture that can be used. Choose a JPEG, PNG or GIF.");
  }
  chosen = picture;
  form.hidden = false;
  whole.checked = picture.type === "image/gif";
  document.getElementById("whole-choice").hidden = picture.type !== "image/gif";
  announce("", "", false);
  crop.open(bitmap);
  document.getElementById("stage").focus();
}

function close() {
  form.hidden = true;
  chosen = null;
  file.value = "";
}

function refusal(error) {
  const texts = error.fields?.avatar;
  return texts ? [texts.join(" ")] : failure(error);
}

// MARK: Three ways in

file.addEventListener("change", () => take(file.files[0]));

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", (event) => {
  if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
});
// Beside the card a dropped file would be opened in place of the page.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files[0]);
});

addEventListener("paste", (event) => {
  const [picture] = event.clipboardData.files;
  if (!picture) return;
  event.preventDefault();
  take(picture);
});

// MARK: The way to the server

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return;
  button.disabled = true;
  progress.value = 0;
  sending.hidden = false;
  announce("", "", false);
  try {
    const picture = whole.checked && chosen.type === "image/gif" ? chosen : await crop.picture(chosen.type);
    const body = new FormData();
    body.append("avatar", picture, "avatar");
    const answer = await api.send("PUT", "/api/account/avatar/", body, (part) => { progress.value = 100 * part; });
    me = answer.body;
    present();
    close();
    announce("头像已更新。", "Your picture is in place.", false);
  } catch (error) {
    announce(...refusal(error));
  } finally {
    button.disabled = false;
    sending.hidden = true;
  }
});

document.getElementById("cancel").addEventListener("click", () => {
  close();
  file.focus();
});

remove.addEventListener("click", async () => {
  remove.disabled = true;
  try {
    me = (await api.send("DELETE", "/api/account/avatar/")).body;
    present();
    announce("头像已删除。", "The picture is removed.", false);
    file.focus();
  } catch (error) {
    announce(...failure(error));
  } finally {
    remove.disabled = false;
  }
});

present();
