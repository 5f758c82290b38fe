"""What the codes of a GX mean; an entity shows the name of a member in lower case."""

from enum import IntEnum


class BatteryState(IntEnum):
    """What the system says of its battery (844)."""

    IDLE = 0
    CHARGING = 1
    DISCHARGING = 2


class AcSource(IntEnum):
    """What feeds the active AC input (826); 0 is not configured."""

    GRID = 1
    GENERATOR = 2
    SHORE = 3
    NOT_CONNECTED = 240


class AcInputType(IntEnum):
    """What an AC input of the inverter/charger is connected to (2711, 2712)."""

    UNUSED = 0
    GRID = 1
    GENERATOR = 2
    SHORE = 3


class EnergySource(IntEnum):
    """What the installation lives on now."""

    SOLAR = 1
    GENERATOR = 2
    BATTERY = 3
    GRID = 4


class EssMode(IntEnum):
    """The user's choice of how the battery is used, put together from 2902 and 2900."""

    OPTIMIZED_WITH_BATTERYLIFE = 1
    OPTIMIZED_WITHOUT_BATTERYLIFE = 2
    KEEP_BATTERIES_CHARGED = 3
    EXTERNAL_CONTROL = 4


class Hub4Mode(IntEnum):
    """Register 2902."""

    TOTAL_OF_ALL_PHASES = 1
    INDIVIDUAL_PHASE = 2
    EXTERNAL_CONTROL = 3


class BatteryLifeState(IntEnum):
    """Register 2900."""

    DISABLED = 0
    RESTARTING = 1
    SELF_CONSUMPTION = 2
    SELF_CONSUMPTION_85 = 3
    SELF_CONSUMPTION_95 = 4
    DISCHARGE_DISABLED = 5
    SLOW_CHARGE = 6
    SUSTAIN = 7
    RECHARGE = 8
    KEEP_CHARGED = 9
    WITHOUT_BATTERYLIFE = 10
    WITHOUT_BATTERYLIFE_LOW_SOC = 11
    WITHOUT_BATTERYLIFE_RECHARGE = 12


class DynamicEssMode(IntEnum):
    """Register 5423."""

    OFF = 0
    AUTO = 1
    NODE_RED = 4


class ActiveInput(IntEnum):
    """Which AC input a VE.Bus system uses (29)."""

    AC_IN_1 = 0
    AC_IN_2 = 1
    DISCONNECTED = 240


class InverterMode(IntEnum):
    """The switch of an inverter/charger (33)."""

    CHARGER_ONLY = 1
    INVERTER_ONLY = 2
    ON = 3
    OFF = 4


class VebusState(IntEnum):
    """What a VE.Bus system does (31)."""

    OFF = 0
    LOW_POWER = 1
    FAULT = 2
    BULK = 3
    ABSORPTION = 4
    FLOAT = 5
    STORAGE = 6
    EQUALIZE = 7
    PASS_THROUGH = 8
    INVERTING = 9
    POWER_ASSIST = 10
    POWER_SUPPLY = 11
    SUSTAIN = 244
    WAKE_UP = 245
    EXTERNAL_CONTROL = 252


class ChargeState(IntEnum):
    """How far a VE.Bus system has charged (95); 9 is unknown."""

    INITIALISING = 0
    BULK = 1
    ABSORPTION = 2
    FLOAT = 3
    STORAGE = 4
    ABSORB_REPEAT = 5
    FORCED_ABSORB = 6
    EQUALIZE = 7
    BULK_STOPPED = 8


class ChargerState(IntEnum):
    """What a solar charger does (775)."""

    OFF = 0
    FAULT = 2
    BULK = 3
    ABSORPTION = 4
    FLOAT = 5
    STORAGE = 6
    EQUALIZE = 7
    OTHER = 11
    WAKE_UP = 245
    REPEATED_ABSORPTION = 246
    AUTO_EQUALIZE = 247
    BATTERY_SAFE = 248
    EXTERNAL_CONTROL = 252


class ChargerMode(IntEnum):
    """The switch of a solar charger (774)."""

    ON = 1
    OFF = 4


class MppOperationMode(IntEnum):
    """What limits a solar charger or one of its trackers (791, 3731 to 3734)."""

    OFF = 0
    LIMITED = 1
    ACTIVE = 2


class BatteryBmsState(IntEnum):
    """What a battery's own management does (1282); 0 to 8 are steps of starting up."""

    INITIALISING = 0
    RUNNING = 9
    ERROR = 10
    SHUTDOWN = 12
    UPDATING = 13
    STANDBY = 14
    GOING_TO_RUN = 15
    PRE_CHARGING = 16
    CONTACTOR_CHECK = 17


class BalancerStatus(IntEnum):
    """What the balancer of a battery does (1323); 0 is unknown."""

    BALANCED = 1
    BALANCING = 2
    IMBALANCE = 3


class Position(IntEnum):
    """Where a PV inverter or an EV charging station is connected."""

    AC_INPUT_1 = 0
    AC_OUTPUT = 1
    AC_INPUT_2 = 2


class EvStatus(IntEnum):
    """What an EV charging station does (3824)."""

    DISCONNECTED = 0
    CONNECTED = 1
    CHARGING = 2
    CHARGED = 3
    WAITING_FOR_SUN = 4
    WAITING_FOR_RFID = 5
    WAITING_FOR_START = 6
    LOW_STATE_OF_CHARGE = 7
    GROUND_TEST_ERROR = 8
    WELDED_CONTACTS = 9
    CP_INPUT_ERROR = 10
    RESIDUAL_CURRENT = 11
    UNDERVOLTAGE = 12
    OVERVOLTAGE = 13
    OVERHEATING = 14
    CHARGING_LIMIT = 20
    START_CHARGING = 21
    SWITCHING_TO_3_PHASE = 22
    SWITCHING_TO_1_PHASE = 23
    STOP_CHARGING = 24


class ChargingMode(IntEnum):
    """How an EV charging station decides when to charge (3815)."""

    MANUAL = 0
    AUTO = 1
    SCHEDULED = 2


class GeneratorState(IntEnum):
    """What the start/stop logic of a generator does (3506)."""

    STOPPED = 0
    RUNNING = 1
    WARM_UP = 2
    COOL_DOWN = 3
    STOPPING = 4
    STOPPED_BY_TANK_LEVEL = 5
    ERROR = 10


class RunningBy(IntEnum):
    """Why a generator runs (3501)."""

    STOPPED = 0
    MANUAL = 1
    TEST_RUN = 2
    LOSS_OF_COMMUNICATION = 3
    STATE_OF_CHARGE = 4
    AC_LOAD = 5
    BATTERY_CURRENT = 6
    BATTERY_VOLTAGE = 7
    INVERTER_TEMPERATURE = 8
    INVERTER_OVERLOAD = 9
    STOP_ON_AC_1 = 10
    STOP_ON_AC_2 = 11
    TANK_LEVEL = 12


class GeneratorError(IntEnum):
    """What keeps a generator from running (3507)."""

    NONE = 0
    REMOTE_DISABLED = 1
    REMOTE_FAULT = 2
    NOT_DETECTED_AT_AC_INPUT = 3
    NO_GENSETS_ENABLED = 4


class SensorStatus(IntEnum):
    """How the sensor of a tank (3007) or a temperature (3305) is."""

    OK = 0
    OPEN_CIRCUIT = 1
    SHORT_CIRCUIT = 2
    REVERSE_POLARITY = 3
    UNKNOWN = 4


class FluidType(IntEnum):
    """What is in a tank (3003)."""

    FUEL = 0
    FRESH_WATER = 1
    WASTE_WATER = 2
    LIVE_WELL = 3
    OIL = 4
    BLACK_WATER = 5
    GASOLINE = 6
    DIESEL = 7
    LPG = 8
    LNG = 9
    HYDRAULIC_OIL = 10
    RAW_WATER = 11


class TemperatureType(IntEnum):
    """What a temperature sensor is for (3303)."""

    BATTERY = 0
    FRIDGE = 1
    GENERIC = 2
    ROOM = 3
    OUTDOOR = 4
    WATER_HEATER = 5
    FREEZER = 6


class DigitalInputType(IntEnum):
    """What a digital input is for (3424)."""

    DOOR = 2
    BILGE_PUMP = 3
    BILGE_ALARM = 4
    BURGLAR_ALARM = 5
    SMOKE_ALARM = 6
    FIRE_ALARM = 7
    CO2_ALARM = 8
    GENERATOR = 9
    GENERIC = 10
    TOUCH_ENABLE = 11


class InputState(IntEnum):
    """What a digital input sees (3422); the published list has 8 and 9 the wrong way round."""

    LOW = 0
    HIGH = 1
    OFF = 2
    ON = 3
    NO = 4
    YES = 5
    OPEN = 6
    CLOSED = 7
    OK = 8
    ALARM = 9
    RUNNING = 10
    STOPPED = 11


class HeatPumpState(IntEnum):
    """What a heat pump does (5501)."""

    OFF = 0
    ERROR = 1
    STARTUP = 2
    HEATING = 3
    COOLING = 4


class InverterSwitch(IntEnum):
    """The switch of an inverter, or of an inverter/charger without VE.Bus (3126, 4531)."""

    CHARGER_ONLY = 1
    INVERTER_ONLY = 2
    ON = 3
    OFF = 4
    ECO = 5
    PASS_THROUGH = 251
    STANDBY = 252
    HIBERNATE = 253


class InverterSwitchChoice(IntEnum):
    """What the GX's own screen lets choose of an inverter, where inverting alone is its way to be on; and on."""

    INVERTER_ONLY = 2
    ON = 3
    OFF = 4
    ECO = 5


class ChargingState(IntEnum):
    """What an AC charger, a DC-DC converter or an alternator does (2318, 4808, 4112)."""

    OFF = 0
    LOW_POWER = 1
    FAULT = 2
    BULK = 3
    ABSORPTION = 4
    FLOAT = 5
    STORAGE = 6
    EQUALIZE = 7
    POWER_SUPPLY = 11
    WAKE_UP = 245
    REPEATED_ABSORPTION = 246
    AUTO_EQUALIZE = 247
    BATTERY_SAFE = 248
    EXTERNAL_CONTROL = 252


class GensetStatus(IntEnum):
    """What a genset does (3213, 5201); 1 to 7 are steps of starting up."""

    STANDBY = 0
    STARTING = 1
    RUNNING = 8
    STOPPING = 9
    ERROR = 10
