// What a page has beyond what it can do by itself: times of this place, and buttons that copy.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const two = (number) => String(number).padStart(2, "0");

  /** A time as this place has it, in the form of the UTC one and no finer. */
  function local(time, utc) {
    const at = new Date(time.dateTime);
    const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
    const seconds = /\d:\d\d:(\d\d(?:\.\d+)?)/.exec(utc);
    return `${date} ${clock}${seconds ? ":" + seconds[1] : ""}`;
  }

  const times = [...document.querySelectorAll("time[datetime]")]
    .filter((time) => !Number.isNaN(Date.parse(time.dateTime)))
    .map((time) => {
      const utc = time.textContent;
      return { time, nodes: [...time.childNodes], utc, local: local(time, utc) };
    });

  function show(isLocal) {
    for (const { time, nodes, utc, local } of times) {
      time.title = isLocal ? utc : `${local} (${zone})`;
      time.replaceChildren(...(isLocal ? [local] : nodes));
    }
  }

  const clock = document.querySelector("button.clock");
  let isLocal = false;
  try {
    isLocal = localStorage.getItem("deltrail-times") === "local";
  } catch {
    // Where nothing may be kept, every page begins with UTC.
  }
  if (clock && times.length > 0) {
    const label = clock.textContent;
    const tell = () => {
      clock.setAttribute("aria-pressed", String(isLocal));
      clock.title = isLocal ? `Times are of ${zone}` : `Show times of ${zone}`;
      clock.textContent = label;
      show(isLocal);
    };
    clock.hidden = false;
    clock.addEventListener("click", () => {
      isLocal = !isLocal;
      try {
        localStorage.setItem("deltrail-times", isLocal ? "local" : "utc");
      } catch {
        // As above.
      }
      tell();
    });
    tell();
  }

  if (navigator.clipboard) {
    for (const command of document.querySelectorAll("pre.command")) {
      const text = command.textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      });
      command.append(button);
    }
  }
})();
