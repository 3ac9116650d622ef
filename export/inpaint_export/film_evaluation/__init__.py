"""Measuring on film damage that nothing was trained on, and on pictures that look damaged.

``detectors`` measures what finds damage, ``restorers`` what undoes it without a mask; ``sets`` has
the pictures of both. Everything goes through the SDK, as it will be used.
"""
