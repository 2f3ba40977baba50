"""What every part may ask about text. Pure, and imports nothing of ours."""
