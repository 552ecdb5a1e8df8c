"use strict";
// Bring today into view, for a calendar that is longer than the screen.
const today = document.querySelector(".today");
if (today && !location.hash) today.scrollIntoView({ block: "nearest" });
