// Draws the description of the interface; nothing is asked of anybody else.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const here = document.getElementById("interface");
  SwaggerUIBundle({
    url: here.dataset.description,
    domNode: here,
    validatorUrl: null,
    deepLinking: false,
  });
});
