// A browser starts no worker for a page that was opened from the disk: there the search runs in a hidden frame of the page.
if (location.protocol === "file:") {
  const inside = (url) => `<body><script>
    postMessage = (message) => parent.postMessage(message, "*");
    importScripts = (...urls) => urls.reduce((done, url) => done.then(() => new Promise((loaded) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = loaded;
      document.body.appendChild(script);
    })), Promise.resolve());
  </` + `script><script src="${url}"></` + `script></body>`;

  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.frame = frame.contentWindow;
      addEventListener("message", (event) => {
        if (event.source !== this.frame) return;
        const told = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(told);
        if (this.onmessage) this.onmessage(told);
      });
      this.ready = new Promise((ready) => { frame.addEventListener("load", ready, { once: true }); });
      this.frame.document.open();
      this.frame.document.write(inside(url));
      this.frame.document.close();
    }

    postMessage(message) {
      this.ready.then(() => this.frame.dispatchEvent(new MessageEvent("message", { data: structuredClone(message) })));
    }

    terminate() {
      this.frame.frameElement.remove();
    }
  };
}
