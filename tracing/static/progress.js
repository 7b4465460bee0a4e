// How far an import is, kept up to date; without it the page is loaded again by hand.
const part = document.querySelector("[data-state]");
const LONGEST = 10000;
const ENOUGH = 120;

function show(said) {
  const bar = part.querySelector("progress");
  bar.value = said.share;
  bar.textContent = part.querySelector("span").textContent = `${said.share} %`;
  const tag = document.querySelector("[data-phase] .tag");
  tag.className = `tag ${said.phase.tone}`;
  tag.querySelector("span").textContent = said.phase.words;
  const icon = tag.querySelector("use");
  icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${said.phase.icon}`));
  document.querySelectorAll("[data-counts] dd").forEach((cell, number) => {
    cell.textContent = said.counts[number];
  });
}

async function ask(wait, left) {
  if (!left) return;
  if (!document.hidden) {
    const answer = await fetch(part.dataset.state, { redirect: "error" }).catch(() => null);
    if (answer && !answer.ok) return;
    if (answer) {
      const said = await answer.json();
      show(said);
      if (said.over) {
        location.reload();
        return;
      }
    }
  }
  setTimeout(ask, wait, Math.min(wait * 1.1, LONGEST), left - 1);
}

if (part) {
  for (const words of document.querySelectorAll("[data-by-hand]")) words.hidden = true;
  setTimeout(ask, 700, 1000, ENOUGH);
}
