// The page as a whole: the light or dark scheme, the contents list, enlarged plots, and print.

function setScheme(scheme) {
  document.documentElement.dataset.scheme = scheme;
  dispatchEvent(new Event("schemechange"));
}

const schemeSwitch = document.getElementById("scheme");
schemeSwitch.addEventListener("change", () => setScheme(schemeSwitch.value));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("schemechange")));

// The contents list marks the section that is read.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const reading = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(target.id).setAttribute("aria-current", "true");
    }
  },
  { rootMargin: "-20% 0px -75% 0px" },
);
links.forEach((_, id) => reading.observe(document.getElementById(id)));

// Large plots are compressed in the page. They are unpacked one after another when the rest of the page can be used
// already, because the browser needs a second for the plots of thousands of runs.
async function unpack(image) {
  const bytes = Uint8Array.from(atob(image.dataset.packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const svg = new Blob([await new Response(stream).arrayBuffer()], { type: "image/svg+xml" });
  image.src = URL.createObjectURL(svg);
  await image.decode().catch(() => {}); // a plot that cannot be shown does not stop the others
}

addEventListener("load", async () => {
  for (const image of document.querySelectorAll("img[data-packed]")) await unpack(image);
});

// A click on a plot shows it in the size of the window. Escape closes it.
const dialog = document.getElementById("enlarged");
document.querySelectorAll("button.enlarge").forEach((opener) =>
  opener.addEventListener("click", () => {
    const image = opener.querySelector("img");
    Object.assign(dialog.querySelector("img"), { src: image.src, alt: image.alt });
    dialog.setAttribute("aria-label", image.alt);
    dialog.showModal();
  }),
);
dialog.addEventListener("click", () => dialog.close());

// Paper is white, and hides nothing.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not(.controls)").forEach((part) => (part.open = true));
  setScheme("light");
});
addEventListener("afterprint", () => setScheme(schemeSwitch.value));
