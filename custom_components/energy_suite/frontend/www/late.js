// For where resources are written in YAML: the page imports this one as it starts, maybe before the application, which
// replaces the registry of elements when it starts. Some pages never have that element, so do not wait for ever.
await Promise.race([
  customElements.whenDefined("home-assistant"),
  new Promise((resolve) => {
    setTimeout(resolve, 10_000);
  }),
]);
await import("./entry.js");
