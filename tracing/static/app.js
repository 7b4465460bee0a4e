// Helps; every page works without it. No HTML is made here, only moved or copied.
const page = document.documentElement;
page.classList.add("js");

// A problem is read first.
const problems = document.querySelector("[data-focus]");
if (problems) problems.focus();
for (const link of document.querySelectorAll(".summary a[href^='#']")) {
  link.addEventListener("click", (event) => {
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target) return;
    event.preventDefault();
    target.focus({ preventScroll: true });
    (target.closest(".field, .group") || target).scrollIntoView();
  });
}

// One press, one sending. The button stays enabled, so that its value goes too.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  form.setAttribute("aria-busy", "true");
  setTimeout(released, 10000, form);
});
function released(form) {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
}
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach(released);
});

// An answer brings up its field. Hidden fields are disabled, so they are not sent.
function reveal() {
  for (const part of document.querySelectorAll("[data-shown-by]")) {
    const values = part.dataset.shownFor.split(" ");
    const name = CSS.escape(part.dataset.shownBy);
    const chosen = [...document.querySelectorAll(`[name="${name}"]`)].some(
      (input) =>
        (input.matches("select") || input.checked) && values.includes(input.value),
    );
    const wrong = part.classList.contains("has-err");
    part.hidden = !chosen && !wrong;
    for (const input of part.querySelectorAll("input, select, textarea")) {
      input.disabled = part.hidden;
    }
  }
}
document.addEventListener("change", reveal);
reveal();

// "Add another" copies the last row, empties the copy and counts one on.
function counted(text, name, next) {
  return text.split(`${name}-${next - 1}`).join(`${name}-${next}`);
}

function emptied(row, name, next) {
  const copy = row.cloneNode(true);
  copy.dataset.row = next;
  for (const part of copy.querySelectorAll(".err, .attached")) part.remove();
  for (const part of copy.querySelectorAll(".has-err")) part.classList.remove("has-err");
  for (const element of copy.querySelectorAll("*")) {
    for (const key of ["id", "name", "for", "aria-describedby", "data-shown-by"]) {
      const old = element.getAttribute(key);
      if (old) element.setAttribute(key, counted(old, name, next));
    }
    element.removeAttribute("aria-invalid");
    if (element.matches("button[name=remove]")) element.remove();
    else if (element.matches("[type=checkbox], [type=radio]")) element.checked = false;
    else if (element.matches("select")) element.selectedIndex = 0;
    else if (element.matches("input, textarea")) element.value = "";
  }
  const number = copy.querySelector("legend .n");
  if (number) number.textContent = next + 1;
  return copy;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=add]");
  const group = button && button.closest(".group");
  const rows = group ? group.querySelectorAll(":scope > .row") : [];
  if (!rows.length) return;
  event.preventDefault();
  const last = rows[rows.length - 1];
  const copy = emptied(last, button.value, Number(last.dataset.row) + 1);
  last.after(copy);
  reveal();
  const first = copy.querySelector("input:not([type=hidden]), select, textarea");
  if (first) first.focus();
});
