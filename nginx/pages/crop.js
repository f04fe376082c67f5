// A square cut out of a picture, moved and enlarged by pointer, wheel and keyboard.
import { say } from "/pages/page.js";

// The longest side of what is sent, in pixels: Homeroom keeps no more.
const longest = 1024;

export class Crop {
  /**
   * @param {HTMLCanvasElement} stage    shows the square
   * @param {HTMLInputElement} zoom    a range from 100 (the whole width or height) on
   * @param {HTMLCanvasElement[]} previews    show what it will look like
   * @param {HTMLElement} position    a live region that says where the square is
   */
  constructor(stage, zoom, previews, position) {
    Object.assign(this, { stage, zoom, previews, position, bitmap: null, pointers: new Map() });
    zoom.addEventListener("input", () => this.change());
    stage.addEventListener("keydown", (event) => this.press(event));
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.enlarge(event.deltaY < 0 ? 8 : -8);
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
    });
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const type of ["pointerup", "pointercancel"]) {
      stage.addEventListener(type, (event) => {
        this.pointers.delete(event.pointerId);
        this.tell();
      });
    }
  }

  /** Begins with the largest square, in the middle. */
  open(bitmap) {
    this.bitmap = bitmap;
    this.zoom.value = 100;
    this.centre = { x: bitmap.width / 2, y: bitmap.height / 2 };
    this.change();
  }

  /** Where the square is, in the picture's pixels. */
  get square() {
    const side = (Math.min(this.bitmap.width, this.bitmap.height) * 100) / this.zoom.value;
    return { x: this.centre.x - side / 2, y: this.centre.y - side / 2, side };
  }

  /** What is sent. A JPEG stays one; what may be transparent becomes a PNG. */
  picture(type) {
    const side = Math.max(1, Math.round(Math.min(longest, this.square.side)));
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    this.draw(canvas);
    return new Promise((resolve) => canvas.toBlob(resolve, type === "image/jpeg" ? type : "image/png", 0.92));
  }

  press(event) {
    const step = (event.shiftKey ? 0.1 : 0.02) * this.square.side;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) this.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.enlarge(10);
    else if (event.key === "-") this.enlarge(-10);
    else if (event.key === "Home") this.open(this.bitmap);
    else return;
    event.preventDefault();
    this.tell();
  }

  // One pointer moves the picture below the square; two enlarge it by their distance.
  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    const scale = this.square.side / this.stage.clientWidth;
    if (others.length === 0) {
      this.move((before.clientX - event.clientX) * scale, (before.clientY - event.clientY) * scale);
    } else {
      const distance = (point) => Math.hypot(point.clientX - others[0].clientX, point.clientY - others[0].clientY);
      this.enlarge(this.zoom.value * (distance(event) / Math.max(1, distance(before)) - 1));
    }
    this.pointers.set(event.pointerId, event);
  }

  move(x, y) {
    this.centre = { x: this.centre.x + x, y: this.centre.y + y };
    this.change();
  }

  enlarge(percent) {
    this.zoom.value = Number(this.zoom.value) + percent;
    this.change();
  }

  /** Keeps the square inside the picture, and shows it. */
  change() {
    const half = this.square.side / 2;
    this.centre.x = Math.min(Math.max(this.centre.x, half), this.bitmap.width - half);
    this.centre.y = Math.min(Math.max(this.centre.y, half), this.bitmap.height - half);
    for (const canvas of [this.stage, ...this.previews]) this.draw(canvas);
  }

  draw(canvas) {
    const { x, y, side } = this.square;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.bitmap, x, y, side, side, 0, 0, canvas.width, canvas.height);
  }

  tell() {
    const { x, y, side } = this.square;
    const part = (start, length) => (length > side ? Math.round((100 * start) / (length - side)) : 50);
    const [left, top] = [part(x, this.bitmap.width), part(y, this.bitmap.height)];
    say(this.position, `水平${left}%，垂直${top}%，缩放${this.zoom.value}%`,
      `${left} % across, ${top} % down, size ${this.zoom.value} %`);
  }
}
