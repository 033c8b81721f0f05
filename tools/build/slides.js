// Turns the slides: arrows, space, page keys, Home and End, F for the whole screen, or the two buttons.
"use strict";

const WIDTH = 1280;
const HEIGHT = 720;
const LARGEST = 1.5; // of words alone
const SMALLEST = 0.5;
const main = document.querySelector("main");
const slides = [...document.querySelectorAll("main > section")];
let current = 0;

// As large as it can be without anything cut off: words up to LARGEST, pictures and code as they are.
function fit(slide) {
  if (slide.classList.contains("title")) return;
  const body = slide.querySelector(".body").getBoundingClientRect();
  const inner = slide.querySelector(".inner");
  const fits = () =>
    inner.getBoundingClientRect().height <= body.height + 1 && inner.scrollWidth <= inner.clientWidth + 1;
  let zoom = inner.querySelector("pre, table, img") ? 1 : LARGEST;
  inner.style.zoom = zoom;
  while (!fits() && zoom > SMALLEST) {
    zoom -= 0.04;
    inner.style.zoom = zoom;
  }
}

function show(number) {
  current = Math.min(Math.max(number, 0), slides.length - 1);
  slides.forEach((slide, place) => (slide.hidden = place !== current));
  fit(slides[current]);
  document.querySelector("#place").textContent = `${current + 1} / ${slides.length}`;
  slides[current].querySelector("h1, h2").focus({ preventScroll: true });
  history.replaceState(null, "", `#${current + 1}`);
}

function scale() {
  const factor = Math.min(innerWidth / WIDTH, innerHeight / HEIGHT);
  const left = (innerWidth - factor * WIDTH) / 2;
  main.style.transform = `translate(${left}px, ${(innerHeight - factor * HEIGHT) / 2}px) scale(${factor})`;
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("button, a")) return;
  const step = event.key === " " && event.shiftKey ? -1 : STEPS[event.key];
  if (step) show(current + step);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(slides.length - 1);
  else if (event.key === "f" || event.key === "F")
    document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  else return;
  event.preventDefault();
}

function printAll() {
  main.style.transform = "none";
  document.documentElement.classList.remove("turning");
  slides.forEach((slide) => {
    slide.hidden = false;
    fit(slide);
  });
}

function start() {
  document.documentElement.classList.add("turning");
  document.querySelector("nav").hidden = false;
  scale();
  show((Number.parseInt(location.hash.slice(1)) || 1) - 1);
}

addEventListener("load", start); // then pictures have their sizes
addEventListener("resize", scale);
addEventListener("hashchange", () => show((Number.parseInt(location.hash.slice(1)) || 1) - 1));
addEventListener("keydown", press);
addEventListener("beforeprint", printAll);
addEventListener("afterprint", start);
document.querySelector("#back").addEventListener("click", () => show(current - 1));
document.querySelector("#next").addEventListener("click", () => show(current + 1));
