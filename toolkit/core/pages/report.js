"use strict";
// Search the log: only lines with every word stay, in any case of letters.
const search = document.getElementById("search");
if (search) {
  const lines = [...document.querySelectorAll(".log li")];
  const texts = lines.map((line) => line.textContent.toLowerCase());
  const found = document.getElementById("found");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    lines.forEach((line, index) => {
      line.hidden = !words.every((word) => texts[index].includes(word));
      count += !line.hidden;
    });
    const all = lines.length.toLocaleString("en");
    found.textContent = words.length ? `${count.toLocaleString("en")} of ${all} lines` : `${all} lines`;
  });
}
