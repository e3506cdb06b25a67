"use strict";
// Readouts of the charts, copying of code, the place in the list of sections. The page is whole without any of it.
(() => {
  const MINUS = "\u2212";
  const signed = (text) => text.replace("-", MINUS);
  const figure = (v, digits) => {
    if (digits === "percent") return signed((100 * v).toFixed(1)) + " %";
    if (digits === "score") return signed(v.toFixed(3));
    const size = Math.abs(v);
    if (size >= 1000) return signed(Math.round(v).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f"));
    return signed(size !== 0 && size < 1e-4 ? v.toExponential(2) : Number(v.toPrecision(4)).toString());
  };
  const element = (name, cls, text) => {
    const made = document.createElement(name);
    if (cls) made.className = cls;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const nearest = (places, at) => {
    let best = 0;
    for (let i = 1; i < places.length; i += 1) if (Math.abs(places[i] - at) < Math.abs(places[best] - at)) best = i;
    return best;
  };

  const charts = [];
  for (const figureElement of document.querySelectorAll("figure.chart")) {
    const plot = figureElement.querySelector(".plot");
    const readout = figureElement.querySelector(".readout");
    const data = JSON.parse(figureElement.querySelector("script").textContent);
    const resting = readout.innerHTML;
    const added = [];
    const all = [...new Set(data.lines.flatMap((line) => line.px))].sort((a, b) => a - b);
    const one = { group: figureElement.dataset.group, at: null };
    one.clear = () => {
      for (const node of added.splice(0)) node.remove();
      readout.innerHTML = resting;
      readout.style.minHeight = "";
      one.at = null;
    };
    one.show = (at) => {
      for (const node of added.splice(0)) node.remove();
      if (one.at === null) readout.style.minHeight = readout.getBoundingClientRect().height + "px"; // the page must not jump under the pointer
      one.at = at;
      const rule = element("div", "rule");
      rule.style.left = at + "%";
      added.push(rule);
      const words = [];
      let x = null;
      for (const line of data.lines) {
        const i = nearest(line.px, at);
        const far = Math.abs(line.px[i] - at);
        if (far > 4 && (at > line.px[line.px.length - 1] || at < line.px[0])) continue;
        if (x === null || far < x.far) x = { far, value: line.x[i] };
        const spot = element("div", "spot " + line.colour);
        spot.style.left = line.px[i] + "%";
        spot.style.top = line.py[i] + "%";
        added.push(spot);
        const span = line.spans[i];
        const extent = span ? ` (${figure(span[0], data.digits)} to ${figure(span[1], data.digits)})` : "";
        words.push([line, figure(line.y[i], data.digits) + extent]);
      }
      plot.append(...added);
      const share = data.texts.length ? Math.round(1000 * x.value) / 10 + " % of the labels" : "";
      readout.replaceChildren(element("span", "", x === null ? "" : share || `${data.x} ${figure(x.value, "")}`));
      for (const [line, said] of words) {
        readout.append(element("i", line.colour), data.lines.length > 1 ? line.name + " " : "", element("b", "", said));
      }
    };
    const together = (at) => {
      for (const other of charts) if (other === one || (one.group && other.group === one.group)) other.show(at);
    };
    const rest = () => { for (const other of charts) if (other === one || other.group === one.group) other.clear(); };
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      together(all[nearest(all, (100 * (event.clientX - box.left)) / box.width)]);
    });
    plot.addEventListener("pointerleave", rest);
    plot.addEventListener("blur", rest);
    plot.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
      if (event.key === "Escape") rest();
      if (!move || !all.length) return;
      event.preventDefault();
      const from = one.at === null ? (move > 0 ? -1 : all.length) : nearest(all, one.at);
      together(all[Math.max(0, Math.min(all.length - 1, from + move))]);
    });
    charts.push(one);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code); // no permission: the text is selected instead, ready for the keyboard
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const mark = () => {
    let here = null;
    for (const section of document.querySelectorAll("main > section")) {
      if (section.getBoundingClientRect().top < innerHeight * 0.35) here = section.id;
    }
    for (const [id, link] of links) link.classList.toggle("here", id === here);
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(() => { waiting = false; mark(); });
    waiting = true;
  }, { passive: true });
  mark();
})();
