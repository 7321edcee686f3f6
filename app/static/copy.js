// Beside each value of a hand-off a button that copies it. Without this script the values are text to select.
(function () {
  "use strict";
  var words = document.currentScript.dataset;
  function legacy(field) {
    field.focus();
    field.select();
    field.setSelectionRange(0, field.value.length);
    return document.execCommand("copy");
  }
  document.querySelectorAll(".value input, .value textarea").forEach(function (field) {
    var label = field.parentNode.querySelector("label");
    var button = document.createElement("button");
    var status = document.createElement("span");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.setAttribute("aria-label", words.copy + ": " + label.textContent);
    status.setAttribute("role", "status");
    status.className = "copied";
    function done() {
      status.textContent = words.copied;
      setTimeout(function () { status.textContent = ""; }, 4000);
    }
    button.addEventListener("click", function () {
      if (navigator.clipboard) {
        navigator.clipboard.writeText(field.value).then(done, function () { if (legacy(field)) { done(); } });
      } else if (legacy(field)) {
        done();
      }
    });
    field.addEventListener("focus", function () { field.select(); });
    field.parentNode.append(button, status);
  });
})();
