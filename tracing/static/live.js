// How registers stand, kept up to date; without it the page is loaded again by hand.
// Words come from the server. Nothing above or below what is read moves.
const part = document.querySelector("[data-live]:not([data-live=''])");
const LONGEST = 10000;
const ENOUGH = 60;

function show(tag, row) {
  const words = tag.querySelector("span");
  if (words.textContent === row.words) return;
  words.textContent = row.words;
  tag.className = `tag ${row.tone}`;
  const icon = tag.querySelector("use");
  icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${row.icon}`));
}

function update(said) {
  for (const [key, row] of Object.entries(said.rows)) {
    const tag = part.querySelector(`[data-key="${CSS.escape(key)}"] .tag`);
    if (tag) show(tag, row);
  }
  const lines = part.querySelector("[data-summary]");
  said.summary.forEach((words, number) => {
    const line = lines.children[number] || lines.appendChild(document.createElement("li"));
    if (line.textContent !== words) line.textContent = words;
  });
  while (lines.children.length > said.summary.length) lines.lastElementChild.remove();
  const come = said.answered > Number(part.dataset.answered);
  part.querySelector("[data-news]").hidden = !come;
  part.querySelector("[data-still]").hidden = come;
}

// Whoever has scrolled past it keeps the line that is read where it is.
function still(change) {
  const before = part.getBoundingClientRect().bottom;
  change();
  if (before < 0) scrollBy(0, part.getBoundingClientRect().bottom - before);
}

async function ask(wait, left) {
  if (!left) return;
  let open = true;
  if (!document.hidden) {
    const answer = await fetch(part.dataset.live, { redirect: "error" }).catch(() => null);
    if (answer && !answer.ok) return;
    if (answer) {
      const said = await answer.json();
      still(() => update(said));
      open = said.open > 0;
    }
  }
  if (open) setTimeout(ask, wait, Math.min(wait * 1.3, LONGEST), left - 1);
}

if (part) setTimeout(ask, 700, 1000, ENOUGH);
