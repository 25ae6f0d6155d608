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
