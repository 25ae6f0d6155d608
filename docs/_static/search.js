// Search shows an extract of each page that it finds. Browsers do not let a page read other local files.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
