// Goes on to the marketplace by itself; without this the button does.

document.querySelector("form").requestSubmit();
