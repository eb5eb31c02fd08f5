"""The sub-commands of ``hookline``, one module each.

A module ``<name>.py`` is the command ``<name>`` (``foo_bar`` is ``foo-bar``); nothing else has to be registered. Its
docstring's first line is the help, ``add(parser)`` adds its arguments, ``main(args)`` does the work and returns the
exit code. Whatever is slow to import is imported in ``main``, since ``hookline --help`` imports every module here.

A distribution can bring a command of its own by an entry point of the group ``hookline.commands`` that names such a
module.
"""
