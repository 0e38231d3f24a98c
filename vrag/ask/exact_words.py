"""Words that another word of nearly the same letters turns into something else: they have no wrong letter."""

from __future__ import annotations

_ENGLISH = """
    no not non nor none never neither nobody nothing nowhere cannot without hardly unless except but
    isnt arent wasnt werent dont doesnt didnt hasnt havent hadnt wont wouldnt cant couldnt shouldnt mustnt
    million millions billion billions trillion trillions thousand thousands hundred hundreds mn bn tn
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety first second third fourth fifth sixth
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    meter meters metre metres kilometer kilometers kilometre kilometres millimeter millimeters centimeter centimeters
    gram grams kilogram kilograms milligram milligrams liter liters litre litres milliliter milliliters watt watts
    kilowatt kilowatts megawatt megawatts gigawatt gigawatts percent percentage dollar dollars euro euros cents
    hour hours minute minutes second seconds day days week weeks month months year years annual annually
    kg mg km cm mm nm ft lb lbs oz ml mb gb tb kb hz khz mhz ghz kw mw gw kwh mwh bps hr hrs min sec mph pt px
    more less above below over under before after increase decrease increased decreased increases decreases
    higher lower minimum maximum all some any most least only
"""
EXACT_WORDS = frozenset(_ENGLISH.split())
