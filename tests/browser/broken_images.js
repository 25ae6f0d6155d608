// Gives the URLs, cut, of a document's images that do not load or have no size. Decoding loads also those
// that wait to be scrolled to and those that are not displayed.
const done = arguments[arguments.length - 1];
const all = (selector) => [...document.querySelectorAll(selector)];

const fails = (image) => image.decode().then(() => image.naturalWidth === 0, () => true);

function load(url) {
  const image = new Image();
  image.src = url;
  return [image, url];
}

function isPicture(element) {
  const url = element.data || element.src;
  return element.type.startsWith("image/") || /^data:image|[.](svg|png|jpe?g|gif|webp)$/i.test(url);
}

function rulesOf(sheet) {
  try {
    return [...sheet.cssRules].map(rule => rule.cssText).filter(text => !text.startsWith("@font-face"));
  } catch {
    return []; // a sheet from elsewhere, which is a request, and may not be read
  }
}

// "#" is a part of the document, such as a marker or a clip path
const urlsIn = (style) => [...style.matchAll(/url[(]"([^#"][^"]*)"[)]/g)].map(match => match[1]);

const styles = [...document.styleSheets].flatMap(rulesOf).concat(all("[style]").map(e => e.style.cssText));
const named = [
  ...all("svg image").map(e => e.href.baseVal),
  ...all("object, embed").filter(isPicture).map(e => e.data || e.src),
  ...all("input[type=image]").map(e => e.src),
  ...all("video[poster]").map(e => e.poster),
  ...styles.flatMap(urlsIn),
];
const images = [...all("img").map(image => [image, image.src]), ...[...new Set(named)].map(load)];
const looks = images.map(async ([image, url]) => (await fails(image)) ? [url.slice(0, 200)] : []);
Promise.all(looks).then(found => done(found.flat()));
