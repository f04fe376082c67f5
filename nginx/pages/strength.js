// The hint below a new password: the rules that the server checks too, and how hard it is to guess.
import { element, say } from "/pages/page.js";

// The ones of at least eight characters that are tried first. The server knows twenty thousand more.
const common = new Set(("password password1 password123 password12 passw0rd iloveyou sunshine princess football baseball "
  + "superman trustno1 starwars whatever qwertyuiop qwerty123 1q2w3e4r 1qaz2wsx 12345678 123456789 1234567890 "
  + "11111111 88888888 87654321 computer michelle jennifer internet samantha asdfghjkl").split(" "));

/** difflib.SequenceMatcher.quick_ratio: letters in common, whatever their order, doubled, to all letters. */
function likeness(left, right) {
  const rest = [...right];
  let matches = 0;
  for (const letter of left) {
    const place = rest.indexOf(letter);
    if (place < 0) continue;
    rest.splice(place, 1);
    matches += 1;
  }
  return (2 * matches) / (left.length + [...right].length);
}

function isLike(letters, attribute) {
  const lowered = attribute.toLowerCase();
  return [...lowered.split(/[^\p{L}\p{N}_]+/u), lowered].some((part) => {
    const length = [...part].length;
    const isFarLonger = letters.length >= 10 * length && length < 0.35 * letters.length;
    return length > 0 && !isFarLonger && likeness(letters, part) >= 0.7;
  });
}

const rules = [
  { words: ["至少8个字符", "At least 8 characters"], holds: (letters) => letters.length >= 8 },
  { words: ["不全是数字", "Not digits alone"], holds: (letters) => !/^\p{Nd}*$/u.test(letters.join("")) },
  {
    words: ["不是常见密码", "Not a common one"],
    holds: (letters) => !common.has(letters.join("").trim()),
  },
  {
    words: ["与用户名和邮箱不相似", "Not like username or email"],
    holds: (letters, names) => !names.some((name) => isLike(letters, name)),
  },
];

const verdicts = [["太弱", "Too weak"], ["较弱", "Weak"], ["一般", "Fair"], ["良好", "Good"], ["很强", "Strong"]];

/** Roughly: the logarithm of the number of passwords as long and as mixed as this one, one step for every 14 bits. */
function grade(letters) {
  const text = letters.join("");
  const kinds = [[/\p{Ll}/u, 26], [/\p{Lu}/u, 26], [/\p{N}/u, 10], [/[^\p{L}\p{N}]/u, 30], [/\p{Lo}/u, 3000]];
  const alphabet = kinds.reduce((sum, [kind, size]) => sum + (kind.test(text) ? size : 0), 0);
  // The same letter over and over counts once and a half.
  const length = Math.min(letters.length, 1.5 * new Set(letters).size);
  return Math.max(1, Math.min(4, Math.floor((length * Math.log2(alphabet || 1)) / 14)));
}

/**
 * Shows the hint below a password's input.
 *
 * @param {() => string[]} names    username and email, which the password must not resemble
 */
export function watch(input, names) {
  const items = rules.map(({ words }) => element("li", { say: words }));
  const meter = element("meter", { min: 0, max: 4, low: 2, high: 3, optimum: 4, label: ["密码强度", "Strength of the password"] });
  const verdict = element("span", { className: "verdict" });
  verdict.setAttribute("role", "status");
  const hint = element("div", { className: "hint strength", id: `${input.id}-hint` },
    element("div", { className: "scale" }, meter, verdict), element("ul", {}, ...items));
  input.closest(".field").append(hint);
  input.setAttribute("aria-describedby", `${hint.id} ${input.getAttribute("aria-describedby") ?? ""}`.trim());

  function look() {
    const letters = [...input.value.toLowerCase()];
    const isEmpty = letters.length === 0;
    const kept = rules.map((rule) => !isEmpty && rule.holds(letters, names().filter(Boolean)));
    items.forEach((item, index) => { item.className = isEmpty ? "" : kept[index] ? "kept" : "broken"; });
    meter.value = isEmpty ? 0 : kept.every(Boolean) ? grade([...input.value]) : 0.5;
    say(verdict, ...(isEmpty ? ["", ""] : verdicts[Math.floor(meter.value)]));
  }
  for (const event of ["input", "change"]) input.form.addEventListener(event, look);
  look();
}
