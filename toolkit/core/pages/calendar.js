"use strict";
// Bring today into view, for a calendar that is longer than the screen.
const today = [...document.querySelectorAll(".day h3")].find((head) => head.textContent.includes("today"));
if (today && !location.hash) today.scrollIntoView({ block: "center" });
