"""Any chat endpoint in the shape of OpenAI's as a translator."""
