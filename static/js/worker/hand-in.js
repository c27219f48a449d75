// Goes on by itself; without this script the worker presses the button.
document.querySelector("form").requestSubmit();
