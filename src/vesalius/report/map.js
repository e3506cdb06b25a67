// The map of the embedding: pan, zoom, thumbnails that make room for each other, and what is known of each.
(() => {
  const COLOURS = 9, SHAPES = 5;
  for (const root of document.querySelectorAll("[data-map]")) start(root);

  function start(root) {
    const data = JSON.parse(root.querySelector("script").textContent);
    const canvas = root.querySelector("canvas"), tip = root.querySelector(".tip"), sprite = root.querySelector(".sprite");
    const context = canvas.getContext("2d");
    const order = new Map(data.groups.map((group, i) => [group.label, i]));
    const hidden = new Set(), left = new Set(); // classes, and "selected" or "others", that are not shown
    const field = root.querySelector("input"), told = root.querySelector("[data-shown]");
    let sought = "";
    const points = data.items.map(([n, x, y, label, name, id, subject, prediction, confidence, order = null]) =>
      ({ n, x, y, label, name, id, subject, prediction, confidence, order }));
    const visible = (p) => !hidden.has(p.label) && !left.has(p.order === null ? "others" : "selected") && (!sought || matches(p));
    const matches = (p) => p.id.startsWith(sought) || p.name.toLowerCase().includes(sought) || (p.order !== null && sought === `#${p.order}`);
    const xs = points.map((p) => p.x), ys = points.map((p) => p.y);
    const least = [Math.min(...xs), Math.min(...ys)], most = [Math.max(...xs), Math.max(...ys)];
    const centres = data.groups.filter((g) => g.label >= 0).map((g) => {
      const mine = points.filter((p) => p.label === g.label);
      return { label: g.label, name: g.name, ...densest(mine) };
    }).sort((a, b) => b.size - a.size);
    function densest(mine) { // where most of a class lies together: a class in several places has no middle
      const some = mine.filter((_, i) => i % Math.ceil(mine.length / 300) === 0);
      const reach = 0.06 * Math.max(most[0] - least[0], most[1] - least[1]);
      const around = (p) => some.filter((q) => (p.x - q.x) ** 2 + (p.y - q.y) ** 2 < reach * reach);
      const best = some.map(around).reduce((a, b) => (b.length > a.length ? b : a));
      return { x: best.reduce((sum, p) => sum + p.x, 0) / best.length, y: Math.max(...best.map((p) => p.y)), size: mine.length };
    }
    const view = { zoom: 1, x: 0, y: 0 };
    let drawn = []; // the pictures as they lie on the canvas, for pointing
    let pictures = true, width = 0, height = 0, hovered = null, base = 1, queued = false;

    const colour = (label) => {
      const n = order.get(label);
      return getComputedStyle(root).getPropertyValue(label < 0 ? "--kx" : `--k${n % COLOURS}`).trim();
    };
    const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const at = (p) => [
      width / 2 + (p.x - (least[0] + most[0]) / 2) * base * view.zoom + view.x,
      height / 2 - (p.y - (least[1] + most[1]) / 2) * base * view.zoom + view.y,
    ];
    const source = (p) => [(p.n % data.columns) * data.tile, Math.floor(p.n / data.columns) * data.tile];

    function resize() {
      const box = canvas.getBoundingClientRect();
      if (!box.width) return;
      width = box.width;
      height = box.height;
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
      const spread = (i) => most[i] - least[i] || 1;
      base = Math.min((width - 70) / spread(0), (height - 70) / spread(1));
      draw();
    }
    function draw() {
      if (!queued) requestAnimationFrame(() => { queued = false; paint(); });
      queued = true;
    }
    function paint() {
      if (!width) return;
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      context.clearRect(0, 0, width, height);
      const shown = points.filter(visible);
      if (data.selection) shown.sort((a, b) => (a.order === null) - (b.order === null) || a.order - b.order);
      const inside = shown.map((p) => [p, ...at(p)]).filter(([, x, y]) => x > -40 && y > -40 && x < width + 40 && y < height + 40);
      const palette = new Map(data.groups.map((g) => [g.label, colour(g.label)]));
      const radius = Math.min(5.5, 2.6 + 0.7 * Math.log2(view.zoom + 1));
      for (const [p, x, y] of inside) {
        context.globalAlpha = !data.selection ? 0.8 : p.order === null ? 0.5 : 1;
        context.fillStyle = palette.get(p.label);
        mark(x, y, data.selection && p.order !== null ? radius * 1.7 : radius, p.label < 0 ? 0 : order.get(p.label) % SHAPES);
      }
      context.globalAlpha = 1;
      drawn = [];
      if (pictures && sprite && sprite.complete && sprite.naturalWidth) paintPictures(inside, palette);
      paintNames();
      if (hovered) ring(hovered);
      if (told) told.textContent = `${shown.length} of ${points.length} shown, ${shown.filter((p) => p.order !== null).length} of them selected`;
    }
    function paintPictures(inside, palette) {
      const all = !data.selection || left.has("selected") || sought || view.zoom > 2.5; // else the selected alone have pictures
      const size = Math.min(data.tile, Math.max(18, Math.min(width / 34, 26) * Math.sqrt(view.zoom)));
      const taken = new Map(), cell = size + 3;
      for (const [p, x, y] of inside) {
        if (!all && p.order === null) continue;
        // the first of each neighbourhood keeps its place: the picture is calm while panning
        const i = Math.floor((x - view.x) / cell), j = Math.floor((y - view.y) / cell);
        let free = true;
        for (let a = i - 1; a <= i + 1 && free; a += 1) {
          for (let b = j - 1; b <= j + 1 && free; b += 1) {
            const other = taken.get(a + ":" + b);
            if (other && Math.abs(other[0] - x) < cell && Math.abs(other[1] - y) < cell) free = false;
          }
        }
        if (!free) continue;
        taken.set(i + ":" + j, [x, y]);
        drawn.push([p, x, y, size / 2]);
        const edge = data.selection && p.order !== null ? 3 : 1.5;
        context.fillStyle = palette.get(p.label);
        context.fillRect(x - size / 2 - edge, y - size / 2 - edge, size + 2 * edge, size + 2 * edge);
        const [sx, sy] = source(p);
        context.drawImage(sprite, sx, sy, data.tile, data.tile, x - size / 2, y - size / 2, size, size);
      }
    }
    function paintNames() {
      if (centres.length > 24) return;
      context.font = "600 13px " + token("--sans");
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      const placed = [];
      for (const centre of centres) {
        if (hidden.has(centre.label)) continue;
        const [x, top] = at(centre), y = top - 20; // above the group, so that its pictures stay in sight
        const name = centre.name.length > 24 ? centre.name.slice(0, 23) + "\u2026" : centre.name;
        const half = context.measureText(name).width / 2 + 9;
        if (placed.some(([px, py, ph]) => Math.abs(px - x) < ph + half && Math.abs(py - y) < 24)) continue;
        placed.push([x, y, half]);
        context.globalAlpha = 0.9;
        context.fillStyle = token("--paper");
        context.beginPath();
        context.roundRect(x - half, y - 11, 2 * half, 22, 11);
        context.fill();
        context.globalAlpha = 1;
        context.fillStyle = token("--ink");
        context.fillText(name, x, y + 0.5);
      }
    }
    function mark(x, y, r, shape) {
      context.beginPath();
      if (shape === 0) context.arc(x, y, r, 0, 7);
      else if (shape === 1) context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
      else {
        const turn = { 2: [3, -Math.PI / 2], 3: [4, 0], 4: [3, Math.PI / 2] }[shape];
        for (let i = 0; i < turn[0]; i += 1) {
          const angle = turn[1] + (2 * Math.PI * i) / turn[0];
          context.lineTo(x + 1.25 * r * Math.cos(angle), y + 1.25 * r * Math.sin(angle));
        }
      }
      context.fill();
    }
    function ring(p) {
      const [x, y] = at(p);
      context.strokeStyle = token("--ink");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 16, 0, 7);
      context.stroke();
    }
    function pick(x, y, reach) {
      const picture = drawn.find(([, px, py, half]) => Math.abs(px - x) <= half && Math.abs(py - y) <= half);
      if (picture) return picture[0];
      let best = null, distance = reach * reach;
      for (const p of points) {
        if (!visible(p)) continue;
        const [px, py] = at(p), d = (px - x) ** 2 + (py - y) ** 2;
        if (d < distance) [best, distance] = [p, d];
      }
      return best;
    }
    function tell(p) {
      if (p === hovered && p) return;
      hovered = p;
      draw();
      tip.hidden = !p;
      if (!p) return;
      const small = document.createElement("canvas");
      small.width = small.height = Math.round(data.tile);
      const [sx, sy] = source(p);
      if (sprite && sprite.naturalWidth) small.getContext("2d").drawImage(sprite, sx, sy, data.tile, data.tile, 0, 0, small.width, small.height);
      const lines = [["b", "", p.name]];
      if (p.prediction !== null) {
        const sure = p.confidence === null ? "" : `, ${Math.round(100 * p.confidence)} % sure`;
        const right = p.prediction === p.name;
        lines.push(["span", right ? "" : "wrong", `${right ? "\u2713 recognised" : "\u2717 taken for " + p.prediction}${sure}`]);
      }
      if (data.selection) lines.push(["span", "", p.order === null ? "not selected" : p.order === 0 ? "selected before" : `selected, number ${p.order}`]);
      if (p.subject) lines.push(["span", "", "subject " + p.subject]);
      if (p.id) lines.push(["span", "", p.id]);
      tip.replaceChildren(...(sprite ? [small] : []), ...lines.map(([name, cls, said]) => {
        const line = document.createElement(name);
        line.className = cls;
        line.textContent = said;
        line.dir = "auto";
        return line;
      }));
      const [x, y] = at(p), box = tip.getBoundingClientRect();
      tip.style.left = Math.max(4, x + 22 + box.width > width ? x - 22 - box.width : x + 22) + "px";
      tip.style.top = Math.max(4, Math.min(height - box.height - 4, y - box.height / 2)) + "px";
    }
    function zoom(factor, x = width / 2, y = height / 2) {
      const next = Math.min(60, Math.max(0.5, view.zoom * factor)), ratio = next / view.zoom;
      view.x = (x - width / 2) * (1 - ratio) + view.x * ratio;
      view.y = (y - height / 2) * (1 - ratio) + view.y * ratio;
      view.zoom = next;
      tell(null);
      draw();
    }
    function reset() {
      Object.assign(view, { zoom: 1, x: 0, y: 0 });
      tell(null);
      draw();
    }

    const fingers = new Map();
    let apart = 0;
    const spot = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, spot(event));
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("dragged");
      apart = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = spot(event), before = fingers.get(event.pointerId);
      if (!before) return tell(pick(x, y, 18));
      fingers.set(event.pointerId, [x, y]);
      if (fingers.size === 1) {
        view.x += x - before[0];
        view.y += y - before[1];
        tell(null);
        return draw();
      }
      const [[ax, ay], [bx, by]] = [...fingers.values()], now = Math.hypot(ax - bx, ay - by);
      if (apart) zoom(now / apart, (ax + bx) / 2, (ay + by) / 2);
      apart = now;
    });
    const up = (event) => {
      fingers.delete(event.pointerId);
      canvas.classList.toggle("dragged", fingers.size > 0);
      apart = 0;
      if (event.type === "pointerup") tell(pick(...spot(event), 18));
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => { if (!fingers.size) tell(null); });
    canvas.addEventListener("wheel", (event) => { // the page keeps scrolling until the map was chosen
      if (document.activeElement !== canvas && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * 0.002), ...spot(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
      if (step) {
        view.x += step[0];
        view.y += step[1];
        hovered = null;
        tell(pick(width / 2, height / 2, 200));
        draw();
      } else if (event.key === "+" || event.key === "=") zoom(1.3);
      else if (event.key === "-") zoom(1 / 1.3);
      else if (event.key === "0" || event.key === "Escape") reset();
      else return;
      event.preventDefault();
    });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const { act, label } = button.dataset;
      if (act === "in") zoom(1.4);
      else if (act === "out") zoom(1 / 1.4);
      else if (act === "reset") reset();
      else {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        if (act === "pictures") pictures = on;
        else if (act === "state") on ? left.delete(button.dataset.state) : left.add(button.dataset.state);
        else if (on) hidden.delete(Number(label));
        else hidden.add(Number(label));
        tell(null);
        draw();
      }
    });
    field?.addEventListener("input", () => {
      sought = field.value.trim().toLowerCase();
      tell(null);
      draw();
    });
    new ResizeObserver(resize).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    if (sprite && !sprite.complete) sprite.addEventListener("load", draw);
  }
})();
